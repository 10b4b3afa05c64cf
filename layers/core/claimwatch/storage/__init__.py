"""What Claimwatch remembers: PostgreSQL, one module per group of tables."""
