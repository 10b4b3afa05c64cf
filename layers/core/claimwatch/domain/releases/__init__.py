"""Checks of a new version of the code before it gets traffic."""
