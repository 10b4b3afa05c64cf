"""Access events: their canonical form, the seals over ranges of them, and verification."""
