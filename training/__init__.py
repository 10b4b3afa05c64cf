"""The training job: a snapshot of claims becomes a model with its evidence, on an instance of its own."""
