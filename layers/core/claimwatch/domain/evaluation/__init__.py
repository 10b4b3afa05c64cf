"""Whether a running model still does what it was chosen for: statistics as plain functions, no I/O."""
