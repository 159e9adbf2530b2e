"""Sentences that reports have in the terminal and on the page."""

#: What the tokens of a report are if rows are a prompt with answers.
PROMPTS_COUNT = "a prompt counts once for each answer; `prepare` and `verify` count what is stored"
