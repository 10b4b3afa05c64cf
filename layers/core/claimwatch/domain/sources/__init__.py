"""Sources: the company's own servers that claims are pulled from, and the windows in which that happens."""
