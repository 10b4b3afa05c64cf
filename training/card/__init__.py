"""The model card: what a model is, how it was made, what it is worth and for whom, and its limits."""
