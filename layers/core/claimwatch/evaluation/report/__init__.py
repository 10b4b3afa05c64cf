"""The weekly report: one HTML page that opens without a network."""
