"""What Claimwatch costs, beside what people would use instead, in one run: see docs/benchmarks.md."""
