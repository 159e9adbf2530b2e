"""Reports: what an output holds, as a table, a page and JSON; what a trainer would have trained."""
