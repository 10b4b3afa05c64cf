"""Structure of JPEG files: whether the picture is complete, and what precedes and follows it."""
