"""The weekly checks: one module for each, with its specification, computation and report section."""
