"""Models: having one trained, and choosing which is live."""
