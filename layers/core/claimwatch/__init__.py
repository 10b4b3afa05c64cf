"""Claimwatch: finds fraud in insurance claims and keeps doing so."""
