"""The use cases that take a dropped object to committed rows."""
