"""Fast path of validation: accepts CSV records that are provably valid from their bytes."""
