"""Cases: claims under review, and the decisions about them."""
