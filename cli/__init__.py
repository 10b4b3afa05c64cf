"""The command line: `claimwatch --help`. It calls the use cases and the storage that the functions call."""
