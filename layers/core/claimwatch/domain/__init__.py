"""What Claimwatch knows, without any I/O: values in, values out."""
