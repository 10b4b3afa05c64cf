"""The weekly check of a running model: plan it, run its checks, close its window, and tell people."""
