"""Files as they arrive: encoding, format, dialect, records and header."""
