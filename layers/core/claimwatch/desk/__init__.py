"""The desk: the web application of investigators, published at every deployment."""
