"""Routes of the HTTP API, at both doors; those of the desk are in ``desk_routes``.

This list and the models that it names are the source of ``openapi.json``. A test compares the routes with
those of template.yaml.
"""

from claimwatch.api import examples, machines, people, requests
from claimwatch.api.desk_routes import DESK_ROUTES
from claimwatch.api.route import NDJSON, Door, Route

SCORES = Route(
    "POST /v1/lines/{line}/scores",
    Door.MACHINES,
    "scoreClaims",
    "Score 1 to 100 claims",
    machines.ScoreAnswer,
    "Returns for each claim, in the order of the request, a score with its reasons, or the rules of the "
    "contract that it breaks. `refer` says whether a person should review the claim; a score is never a "
    "decision about a person. The same claim and the same model give the same answer, so the request can be "
    "repeated. It reads no claims that are stored, and stores none.",
    body=machines.ScoreRequest,
    body_example=examples.SCORE_REQUEST,
    example=examples.SCORE_ANSWER,
    parameters=("x-purpose",),
    errors=(404, 409, 413),
    tag="scores",
)

CLAIMS = Route(
    "POST /v1/lines/{line}/claims",
    Door.MACHINES,
    "submitClaims",
    "Submit claims to be stored and scored",
    machines.Received,
    "Takes NDJSON, one claim on each line, at most 5 MB. It becomes one file in the landing bucket, which "
    "is validated, loaded and scored as any other. With the same `Idempotency-Key` and the same body, the "
    "answer is the same and nothing is stored again; with another body it is 409.",
    202,
    body_kind=NDJSON,
    body_example='{"claim_id": "MTR-00A1B2C3D4E5", "claim_amount": 4200.5}\n',
    example={
        "request_id": examples.REQUEST_ID,
        "line": "motor",
        "key": "claims/motor/api/3b5d5c3712955042212316173ccf37be.ndjson",
        "version_id": "3HL4kqtJlcpXroDTDmJ",
        "see": "claimwatch files --line motor",
    },
    parameters=("x-purpose", "idempotency-key"),
    errors=(404, 409, 413),
    tag="claims",
)

CLAIM_STATUS = Route(
    "GET /v1/lines/{line}/claims/{claim_id+}",
    Door.MACHINES,
    "getClaimStatus",
    "Get the status of a claim",
    machines.ClaimStatus,
    "Returns whether the claim is stored, scored or decided, with the newest score of the champion. "
    "Nothing of it is personal.",
    example={
        "line": "motor",
        "claim_id": "MTR-00A1B2C3D4E5",
        "status": "scored",
        "score": {
            "probability": 0.3127,
            "percentile": 97.6,
            "referred": True,
            "model_version": "7",
            "scored_at": "2026-03-02T09:20:11Z",
        },
        "decision": None,
    },
    parameters=("x-purpose",),
    errors=(404,),
    tag="claims",
)

MODELS = Route(
    "GET /v1/lines/{line}/models",
    Door.MACHINES,
    "listModels",
    "List the models of a line, its trainings and its contracts",
    machines.Models,
    example={
        "line": "motor",
        "models": [
            {
                "version": "7",
                "status": "registered",
                "created_at": "2026-02-27T04:10:00Z",
                "contract_version": "1.0.0",
                "sha256": "3b5d5c3712955042212316173ccf37be3b5d5c3712955042212316173ccf37be",
                "uri": "s3://claimwatch-artifactbucket-1a2b3c/models/motor/7/",
                "as_of": None,
                "refused_because": None,
                "failed_gates": [],
                "metrics": {"roc_auc": 0.861, "pr_auc": 0.402, "lift_top_decile": 5.2},
                "warnings": [
                    {"kind": "rare", "column": "vehicle_make", "found": "most of its values are rare"}
                ],
                "roles": [{"role": "champion", "since": "2026-02-28T08:00:00Z"}],
            }
        ],
        "trainings": [
            {
                "training_id": "2026-02-motor",
                "version": "7",
                "status": "registered",
                "asked_at": "2026-02-27T04:02:31Z",
                "ended_at": "2026-02-27T04:10:02Z",
                "error": None,
                "as_of": None,
            }
        ],
        "contracts": [
            {
                "version": "1.0.0",
                "status": "applied",
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "object_version": "Xi1PZ2m0bq8f3JvV9QxW",
                "received_at": "2026-02-01T09:00:00Z",
                "error": None,
            }
        ],
    },
    parameters=("x-purpose",),
    errors=(404,),
    tag="models",
)

HEALTH = Route(
    "GET /v1/health",
    Door.OPEN,
    "getHealth",
    "Check that the API answers",
    machines.Health,
    example={"status": "ok"},
    tag="operations",
)

READY = Route(
    "GET /v1/ready",
    Door.MACHINES,
    "getReady",
    "Check that claims of all lines can be scored",
    machines.Ready,
    example={"ready": True, "lines": [{"line": "motor", "ready": True, "model_version": "7"}]},
    parameters=("x-purpose",),
    tag="operations",
)

PERMISSIONS = Route(
    "GET /v1/permissions",
    Door.MACHINES,
    "listPermissions",
    "List the permissions of groups and people",
    machines.Permissions,
    parameters=("x-purpose",),
    tag="permissions",
)

GRANT = Route(
    "POST /v1/permissions",
    Door.MACHINES,
    "grantPermission",
    "Grant a permission",
    machines.NewGrant,
    "A grant that would give one grantee two permissions that nobody may have together is refused with code "
    "`conflict`. An equal grant stays as it is. A grant for a line without a contract has a `warning`.",
    body=machines.Grant,
    body_example={
        "grantee": "group:investigator",
        "permission": "claim.read",
        "line": "motor",
        "why": "takes over motor claims",
    },
    example={
        "grantee": "group:investigator",
        "permission": "claim.read",
        "line": "motor",
        "granted_at": "2026-03-02T09:20:11Z",
        "granted_by": "arn:aws:iam::123456789012:user/platform",
        "why": "takes over motor claims",
        "warning": None,
    },
    parameters=("x-purpose",),
    errors=(409,),
    tag="permissions",
)

REVOKE = Route(
    "POST /v1/permissions/revocations",
    Door.MACHINES,
    "revokePermission",
    "Revoke a permission",
    machines.Granted,
    "Returns what was granted.",
    body=machines.Grant,
    body_example=GRANT.body_example,
    example={name: value for name, value in GRANT.example.items() if name != "warning"},
    parameters=("x-purpose",),
    errors=(404,),
    tag="permissions",
)

PROMOTIONS = Route(
    "POST /v1/lines/{line}/promotions",
    Door.MACHINES,
    "promoteModel",
    "Make a model live, or restore the previous champion",
    requests.Promotion,
    body=requests.PromotionRequest,
    body_example={"by": "A name", "why": "better on new claims", "version": "8", "role": "champion"},
    errors=(422,),
    tag="models",
)

EXCEPTIONS = Route(
    "POST /v1/lines/{line}/exceptions",
    Door.MACHINES,
    "approveException",
    "Approve that a model may go live although one gate refused it",
    requests.ApprovedException,
    body=requests.ExceptionRequest,
    body_example={"version": "8", "gate": "bias", "by": "A name", "why": "reviewed with the actuaries"},
    errors=(422,),
    tag="models",
)

TRAININGS = Route(
    "POST /v1/lines/{line}/trainings",
    Door.MACHINES,
    "startTraining",
    "Start a training",
    requests.Training,
    body=requests.TrainingRequest,
    body_example={"why": "new outcomes", "asked_by": "A name", "training_id": "2026-03-motor"},
    errors=(422,),
    tag="models",
)

EVALUATIONS = Route(
    "POST /v1/lines/{line}/evaluations",
    Door.MACHINES,
    "planEvaluation",
    "Check a week",
    requests.Evaluation,
    body=requests.EvaluationRequest,
    body_example={"window": "2026-W09"},
    errors=(422,),
    tag="models",
)

ME = Route(
    "GET /app/me",
    Door.PEOPLE,
    "getMe",
    "Show who is signed in, and what that person may do",
    people.Me,
    tag="people",
)

READ_CLAIM = Route(
    "GET /app/claims/{line}/{claim_id+}",
    Door.PEOPLE,
    "readClaim",
    "Read a claim",
    people.Claim,
    "Needs permission `claim.read` for the line, and with `unmask` also `claim.unmask`. The answer is the "
    "same for a claim that does not exist and for a line that the person may not read.",
    parameters=("x-purpose", "unmask"),
    errors=(404,),
    tag="people",
)

AUDIT = Route(
    "GET /app/audit",
    Door.PEOPLE,
    "listAccessEvents",
    "List access events",
    people.Events,
    "Needs permission `audit.read`. To list events is an access event, too.",
    parameters=(
        *(
            "x-purpose",
            "claim",
            "filter_line",
            "model",
            "actor",
            "purpose",
            "action",
            "since",
            "until",
            "cursor",
        ),
    ),
    tag="people",
)

ROUTES = (
    *(SCORES, CLAIMS, CLAIM_STATUS, MODELS, HEALTH, READY),
    *(PERMISSIONS, GRANT, REVOKE),
    *(PROMOTIONS, EXCEPTIONS, TRAININGS, EVALUATIONS),
    *(ME, READ_CLAIM, AUDIT),
    *DESK_ROUTES,
)
