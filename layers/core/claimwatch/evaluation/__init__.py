"""The weekly checks of a running model: planning, checks, closing and notifications."""
