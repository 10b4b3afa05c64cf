"""The error that ends a step of the pipeline."""


class ReleaseRefused(Exception):
    """The step cannot go on; the message is a sentence for the log of the build."""
