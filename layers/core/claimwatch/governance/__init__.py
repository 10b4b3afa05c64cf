"""Use cases of governance: the record of who accessed what stays as it was written."""
