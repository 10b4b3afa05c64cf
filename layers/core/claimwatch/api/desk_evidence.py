"""Bodies and answers of the desk: personal values, what-if, links, photos and the search for claims."""

from typing import Annotated, Any

from pydantic import Field

from claimwatch.api.answers import Answer, Line, Moment, Request
from claimwatch.api.desk import CaseId, ClaimId, Count, Reason, Share, State, Verdict
from claimwatch.api.people import ShownReason
from claimwatch.domain.photos.evidence import Evidence

Place = Annotated[str, Field(description="A claim as `<line>/<claim id>`.")]
Distance = Annotated[int, Field(ge=0, le=64, description="Bits in which the hashes of two photos differ.")]


class UnmaskRequest(Request):
    """Why somebody needs to see personal values."""

    reason: Reason


class UnmaskedColumn(Answer):
    """A personal value."""

    name: str
    value: Annotated[Any, Field(description="Null if it is missing.")]


class Unmasked(Answer):
    """The personal values of a claim that are not stored as hashes."""

    columns: list[UnmaskedColumn]


class WhatIfRequest(Request):
    """Values that differ from those of the claim."""

    changes: Annotated[
        dict[str, Any],
        Field(min_length=1, max_length=50, description="By column; only columns that are `what_if`."),
    ]


class Before(Answer):
    """What the same model says about the claim without the changes."""

    probability: Share
    percentile: Annotated[float, Field(ge=0, le=100)]


class WhatIf(Answer):
    """What the live model would say; it is not stored as a score."""

    probability: Share
    percentile: Annotated[float, Field(ge=0, le=100)]
    refer: bool
    reasons: list[ShownReason]
    before: Before


class Node(Answer):
    """A claim that is linked."""

    line: Line
    claim_id: ClaimId
    case_id: CaseId | None
    state: State | None
    verdict: Verdict | None
    received_at: Moment
    hop: Annotated[int, Field(ge=0, le=2, description="0 is the claim of the case.")]


class Edge(Answer):
    """Two claims with the same value, or with photos that are alike."""

    from_: Annotated[Place, Field(alias="from")]
    to: Place
    kind: Annotated[str, Field(description="The group of the column, or `photo`.")]
    distance: Distance | None = None


class Hub(Answer):
    """A value that so many claims share that they are only counted."""

    kind: str
    claims: Annotated[Count, Field(description="How many claims share it; counting ends at 1,000.")]
    from_: Annotated[Place, Field(alias="from")]


class Links(Answer):
    """Claims that share a value or a photo with the claim of a case."""

    nodes: list[Node]
    edges: list[Edge]
    hubs: list[Hub]
    elsewhere: Annotated[Count, Field(description="Linked claims in lines that the person may not read.")]
    truncated: Annotated[bool, Field(description="Whether there are more claims than are shown.")]


class AlsoUsed(Answer):
    """Another claim with a photo that is the same or nearly the same."""

    line: Line
    claim_id: ClaimId
    case_id: CaseId | None
    distance: Distance


class Photo(Answer):
    """A photo of the claim, with what is known of it."""

    image_id: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(description="The last part of the key of its object.")]
    width: Annotated[int, Field(ge=1, description="Of the original, upright.")]
    height: Annotated[int, Field(ge=1)]
    format: str
    taken_at: Annotated[Moment | None, Field(description="Null if the camera wrote no time with a zone.")]
    taken_at_local: Annotated[str | None, Field(description="By the camera's clock, without a zone.")]
    latitude: float | None
    longitude: float | None
    received_at: Moment
    thumbnail: Annotated[str, Field(description="JPEG, its longest side at most 256, in base64.")]
    evidence: Annotated[list[Evidence], Field(description="What is worth a look; nothing of it is a proof.")]
    also_used: list[AlsoUsed]


class Photos(Answer):
    """The current photos of a claim."""

    photos: Annotated[list[Photo], Field(description="The earliest 60.")]
    more: Annotated[Count, Field(description="Photos that are not listed.")]


class SearchRequest(Request):
    """Which claims to find: by their id, or by a value; in the body, because addresses are logged."""

    q: Annotated[
        str | None, Field(min_length=1, max_length=400, description="The id of a claim, or its beginning.")
    ] = None
    column: Annotated[
        str | None,
        Field(
            pattern="^[a-z][a-z0-9_]{0,62}$",
            description="The column whose `value` is searched: one that the contract links claims by.",
        ),
    ] = None
    value: Annotated[str | None, Field(min_length=1, max_length=400)] = None
    line: Annotated[str | None, Field(min_length=1, max_length=400, description="Only of this line.")] = None


class FoundClaim(Answer):
    """A claim that a search found."""

    line: Line
    claim_id: ClaimId
    case_id: CaseId | None
    state: State | None
    verdict: Verdict | None
    received_at: Moment


class Found(Answer):
    """Claims that a search found."""

    claims: list[FoundClaim]
    unsearchable: Annotated[
        list[Line],
        Field(description="Lines that store the column as hashes, so that its values cannot be searched."),
    ]
