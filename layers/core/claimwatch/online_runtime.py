"""Dependencies of the function that answers score requests, created on first use and kept.

A process has to start and answer in less than a second: this module imports neither the database driver nor
the libraries that read contracts and tables. ``claimwatch.runtime`` has those of all other functions.
"""

from functools import cache

from claimwatch.aws.published import PointerParameters
from claimwatch.request_runtime import objects, requests
from claimwatch.scoring.champions import Champions
from claimwatch.scoring.readiness import Dependencies as ReadinessDependencies
from claimwatch.scoring.score_request import Dependencies as ScoringDependencies
from claimwatch.settings import settings


@cache
def scoring() -> ScoringDependencies:
    """Return the dependencies of requests for scores."""
    return ScoringDependencies(requests(), Champions(objects()).get)


@cache
def readiness() -> ReadinessDependencies:
    """Return the dependencies of the check whether every line can be scored."""
    contracts = PointerParameters(f"{settings.published_parameters}/contracts")
    return ReadinessDependencies(scoring(), contracts.lines)
