"""Scoring: model bundles, the scores of claims, and the scoring of a file's chunks."""
