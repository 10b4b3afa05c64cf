"""Benchmark of ingestion with generated files whose rows have a known truth."""
