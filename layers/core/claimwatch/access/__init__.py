"""Who asks the API for what, for which purpose, and the record of it."""
