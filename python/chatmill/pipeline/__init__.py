"""Runs of `prepare`: files of rows are read, processed and written as token shards.

`chatmill.prepare` is `chatmill.pipeline.job.prepare`.
"""
