"""The schema's history: numbered .sql files, each run once and never changed after that."""
