"""Routes of the desk, which people call at the door ``/app``."""

from claimwatch.api import desk, desk_evidence, desk_examples, desk_overviews, examples
from claimwatch.api.route import HTML, JPEG, Door, Route

NEXT_CASE = Route(
    "POST /app/queue/next",
    Door.PEOPLE,
    "nextCase",
    "Get the next case",
    desk.Next,
    "Needs permission `case.decide`. Hands out the case with the most at stake that nobody else holds, with "
    "a lease of 15 minutes; a lease that the person still has is handed out again.",
    body=desk.NextRequest,
    body_example={"lines": ["motor"]},
    example={"case": desk_examples.CASE, "waiting": 41},
    parameters=("x-purpose",),
    etag=True,
    tag="queue",
)

QUEUE = Route(
    "GET /app/queue",
    Door.PEOPLE,
    "listQueue",
    "List cases",
    desk.Queue,
    "Needs permission `case.decide` or `case.assign`.",
    example={"cases": [desk_examples.ITEM], "cursor": None, "waiting": 41},
    parameters=(
        *("x-purpose", "filter_line", "state", "holder", "claim_prefix", "due_before", "queue_cursor"),
    ),
    tag="queue",
)

CASE = Route(
    "GET /app/cases/{case_id}",
    Door.PEOPLE,
    "readCase",
    "Read a case",
    desk.Case,
    "Needs permission `claim.read`. Before the decision is final, nothing of the answer says whether the "
    "claim was referred or drawn for the random audit.",
    example=desk_examples.CASE,
    parameters=("x-purpose",),
    errors=(404,),
    etag=True,
    tag="cases",
)

DECIDE = Route(
    "POST /app/cases/{case_id}/decision",
    Door.PEOPLE,
    "decideCase",
    "Decide a case",
    desk.Decided,
    "Needs permission `case.decide` and the lease of the case. Repeated with the same `Idempotency-Key` and "
    "body, the answer is the same. Codes of 409: `stale` (the lease was lost), `decided`, `conflict` (the "
    "key was used with another body), `not_open`; of 403: `own_decision` (nobody confirms the own decision).",
    body=desk.DecisionRequest,
    body_example=desk_examples.DECISION_REQUEST,
    example=desk_examples.DECIDED,
    parameters=("x-purpose", "if-match", "decision_id"),
    errors=(404, 409, 412, 428),
    etag=True,
    tag="cases",
)

UNDO = Route(
    "POST /app/cases/{case_id}/undo",
    Door.PEOPLE,
    "undoDecision",
    "Undo the newest decision",
    desk.Undone,
    "Needs permission `case.decide`. Within 15 seconds, by the person who decided; later, 409 with code "
    "`too_late`.",
    body=desk.UndoRequest,
    body_example={"decision_id": desk_examples.DECISION_ID},
    example={"case": desk_examples.CASE},
    parameters=("x-purpose",),
    errors=(404, 409),
    etag=True,
    tag="cases",
)

ACT = Route(
    "POST /app/cases/{case_id}/actions",
    Door.PEOPLE,
    "actOnCase",
    "Skip, snooze, hand over, renew, release or take a case",
    desk.Held,
    "Needs permission `case.decide`. Codes of 409: `stale` (the lease was lost); of `take`, `held` (somebody "
    "else holds the case) and `not_yet` (the decision before can still be undone: repeat in a few seconds).",
    body=desk.ActionRequest,
    body_example={"action": "hand_over", "generation": 1, "to": "tom", "reason": "knows the workshop"},
    example=desk_examples.HELD,
    parameters=("x-purpose",),
    errors=(404, 409),
    etag=True,
    tag="cases",
)

ASSIGN = Route(
    "POST /app/cases/{case_id}/assignment",
    Door.PEOPLE,
    "assignCase",
    "Assign a case to somebody, or to nobody",
    desk.Held,
    "Needs permission `case.assign`.",
    body=desk.AssignmentRequest,
    body_example={"to": "tom", "reason": "knows the workshop"},
    example=desk_examples.HELD,
    parameters=("x-purpose", "if-match"),
    errors=(404, 409, 412, 428),
    etag=True,
    tag="cases",
)

UNMASK = Route(
    "POST /app/cases/{case_id}/unmask",
    Door.PEOPLE,
    "unmaskClaim",
    "Show the personal values of a claim",
    desk_evidence.Unmasked,
    "Needs permission `claim.unmask`. The reason is on record. Values that are stored as hashes cannot be "
    "shown to anybody.",
    body=desk_evidence.UnmaskRequest,
    body_example={"reason": "calls the workshop"},
    example={"columns": [{"name": "driver_name", "value": None}]},
    parameters=("x-purpose",),
    errors=(404,),
    tag="cases",
)

WHAT_IF = Route(
    "POST /app/cases/{case_id}/what-if",
    Door.PEOPLE,
    "askWhatIf",
    "Ask what the live model would say if some values were different",
    desk_evidence.WhatIf,
    "Needs permission `claim.read`. It is what the model would say, not what would be true, and is never "
    "stored as a score. Columns are those that the contract marks `whatIf`, and values those that it allows. "
    "409 has code `blinded`, or `no_model` if no model of the line is live; 422, why a value or the claim "
    "cannot be scored.",
    body=desk_evidence.WhatIfRequest,
    body_example={"changes": {"claim_amount": 900}},
    example=desk_examples.WHAT_IF,
    parameters=("x-purpose",),
    errors=(404, 409, 422),
    tag="cases",
)

LINKS = Route(
    "GET /app/cases/{case_id}/links",
    Door.PEOPLE,
    "listLinks",
    "List claims that share a value or a photo with a claim",
    desk_evidence.Links,
    "Needs permission `claim.read`.",
    example=desk_examples.LINKS,
    parameters=("x-purpose", "hops"),
    errors=(404,),
    tag="cases",
)

PHOTOS = Route(
    "GET /app/cases/{case_id}/photos",
    Door.PEOPLE,
    "listPhotos",
    "List the photos of a claim",
    desk_evidence.Photos,
    "Needs permission `photo.view`.",
    example=desk_examples.PHOTOS,
    parameters=("x-purpose",),
    errors=(404,),
    tag="cases",
)

PHOTO = Route(
    "GET /app/cases/{case_id}/photos/{image_id}",
    Door.PEOPLE,
    "viewPhoto",
    "View a photo",
    None,
    "Needs permission `photo.view`. The display copy: upright, without metadata, at most 1024 wide and high.",
    parameters=("x-purpose",),
    errors=(404,),
    answer_kind=JPEG,
    tag="cases",
)

SEARCH = Route(
    "POST /app/search",
    Door.PEOPLE,
    "searchClaims",
    "Search claims by id, or by a value that links claims",
    desk_evidence.Found,
    "Needs permission `claim.read`. `q` is an id or its beginning; `column` and `value` name a value of a "
    "column that the contract marks `linkOn` and stores in clear. At most 50 claims are returned.",
    body=desk_evidence.SearchRequest,
    body_example={"q": "MTR-00A1"},
    example=desk_examples.FOUND,
    parameters=("x-purpose",),
    tag="queue",
)

STATISTICS = Route(
    "GET /app/statistics",
    Door.PEOPLE,
    "readStatistics",
    "Show the own decisions",
    desk_overviews.Statistics,
    "Needs permission `case.decide`.",
    parameters=("x-purpose",),
    tag="team",
)

PEOPLE = Route(
    "GET /app/people",
    Door.PEOPLE,
    "listPeople",
    "List people to whom a case can be given",
    desk_overviews.People,
    "Needs permission `case.decide` or `case.assign`.",
    example={"people": ["tom"]},
    parameters=("x-purpose",),
    tag="team",
)

TEAM = Route(
    "GET /app/team",
    Door.PEOPLE,
    "readTeam",
    "Show the work of a line's investigators",
    desk_overviews.Team,
    "Needs permission `case.assign`.",
    parameters=("x-purpose", "of_line", "weeks"),
    errors=(404,),
    tag="team",
)

MODELS = Route(
    "GET /app/models/{line}",
    Door.PEOPLE,
    "readModels",
    "Show the models of a line",
    desk_overviews.DeskModels,
    "Needs permission `model.read`.",
    parameters=("x-purpose",),
    errors=(404,),
    tag="models",
)

CARD = Route(
    "GET /app/models/{line}/{version}/card",
    Door.PEOPLE,
    "readModelCard",
    "Show the card of a model",
    None,
    "Needs permission `model.read`.",
    parameters=("x-purpose",),
    errors=(404,),
    answer_kind=HTML,
    tag="models",
)

PROMOTION = Route(
    "POST /app/models/{line}/promotions",
    Door.PEOPLE,
    "requestPromotion",
    "Request that a model goes live, or that the previous champion comes back",
    desk_overviews.Accepted,
    "Needs permission `model.promote`. The request is carried out some seconds later, or refused, or "
    "forgotten after an hour: `GET /app/models/{line}` shows what became of it. A rollback names the "
    "champion that it takes back, so that a repeated one has no effect.",
    202,
    body=desk_overviews.DeskPromotionRequest,
    body_example={"action": "promote", "version": "8", "role": "champion", "why": "better on new claims"},
    example={"request_id": examples.REQUEST_ID},
    parameters=("x-purpose",),
    errors=(404, 409),
    tag="models",
)

WEEKS = Route(
    "GET /app/weeks/{line}",
    Door.PEOPLE,
    "readWeeks",
    "Show the checked weeks of a line",
    desk_overviews.Weeks,
    "Needs permission `model.read`.",
    parameters=("x-purpose",),
    errors=(404,),
    tag="models",
)

WEEK_REPORT = Route(
    "GET /app/weeks/{line}/{window}/report",
    Door.PEOPLE,
    "readWeekReport",
    "Show the report of a week",
    None,
    "Needs permission `model.read`.",
    parameters=("x-purpose",),
    errors=(404,),
    answer_kind=HTML,
    tag="models",
)

SEALS = Route(
    "GET /app/audit/seals",
    Door.PEOPLE,
    "listSeals",
    "List the newest seals of access events",
    desk_overviews.Seals,
    "Needs permission `audit.read`.",
    parameters=("x-purpose",),
    tag="people",
)

VERIFICATION = Route(
    "POST /app/audit/verification",
    Door.PEOPLE,
    "verifyAudit",
    "Compare the newest access events with their seals",
    desk_overviews.Verification,
    "Needs permission `audit.read`. The events of the newest seals, at most 20,000 unless one seal has more, "
    "are compared with the seals, and the seals with their objects, which nobody can change. The command "
    "`claimwatch audit verify` compares all of them.",
    body=desk_overviews.VerificationRequest,
    body_example={"seals": 100},
    parameters=("x-purpose",),
    tag="people",
)

DESK_ROUTES = (
    *(QUEUE, NEXT_CASE),
    *(CASE, DECIDE, UNDO, ACT, ASSIGN, UNMASK, WHAT_IF, LINKS, PHOTOS, PHOTO),
    *(SEARCH, STATISTICS, PEOPLE, TEAM),
    *(MODELS, CARD, PROMOTION, WEEKS, WEEK_REPORT),
    *(SEALS, VERIFICATION),
)
