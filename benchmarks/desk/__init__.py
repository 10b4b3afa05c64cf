"""Benchmark of the investigators' desk: its functions in PostgreSQL, with a large book of scored claims."""
