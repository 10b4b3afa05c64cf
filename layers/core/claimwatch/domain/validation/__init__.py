"""Rules that every row of a file must meet."""
