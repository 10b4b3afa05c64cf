"""Scoring: a model's bundle, what it makes of claims, and the claims of a file worked through."""
