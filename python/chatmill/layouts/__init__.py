"""Layouts: the files in which an output can be written and read, such as Parquet, Megatron's or MDS."""
