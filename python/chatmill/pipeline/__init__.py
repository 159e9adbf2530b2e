"""Runs: files of rows in, token shards out. `chatmill.prepare` is `chatmill.pipeline.job.prepare`."""
