"""Dependencies of the function that answers score requests, created on first use and kept.

A process has to start and answer in less than a second: this module imports neither the database driver nor
the libraries that read contracts and tables. ``claimwatch.runtime`` has those of all other functions.
"""

from functools import cache

from claimwatch.aws.clients import request_client
from claimwatch.aws.objects import S3Objects


@cache
def objects() -> S3Objects:
    """Return the objects in S3."""
    return S3Objects(request_client("s3"))
