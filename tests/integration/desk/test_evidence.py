"""Personal values, photos and what-ifs of a case: who may see them, what they show, and what is on record."""

import base64
import importlib.util
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimwatch.access.request_record import RequestRecord
from claimwatch.aws.function_versions import Called
from claimwatch.cases.database import CaseDatabase
from claimwatch.cases.routes import CaseApi
from claimwatch.cases.what_if import Scorer
from claimwatch.domain.access.masking import masked_reasons
from claimwatch.scoring import record_scores
from claimwatch.storage.models import NewVersion
from tests.cluster import PROJECT, Cluster
from tests.integration.access.test_case_routes import NO_SERVICES
from tests.integration.api.both_doors import BothDoors
from tests.integration.ingest.environment import ARTIFACTS, Site
from tests.integration.models.test_real_bundle import PETS
from tests.integration.photos.environment import FakeDecoder, PhotoEnvironment, picture
from tests.unit.aws.test_api_callers import COGNITO, signed_in
from tests.unit.models.bundles import make_bundle

type Json = dict[str, Any]

OWNER, STORY = "Nathaniel Quist", "Zarathustra came by"
_FEATURE = "customProperties: [{property: role, value: feature}"
WITH_PEOPLE = (
    PETS.replace(
        f"name: amount, logicalType: number, required: false, {_FEATURE}",
        "name: amount, logicalType: number, required: false, logicalTypeOptions: {maximum: 5000},"
        f" {_FEATURE}, {{property: whatIf, value: true}}",
    ).replace(
        f"name: animal, logicalType: string, required: false, {_FEATURE}",
        "name: animal, logicalType: string, required: false, classification: personal,"
        f" {_FEATURE}, {{property: storeAs, value: plain}}, {{property: whatIf, value: true}}",
    )
    + "      - {name: owner, logicalType: string, required: true, classification: personal,"
    " logicalTypeOptions: {pattern: '^[A-Z].*$', maxLength: 40},"
    " customProperties: [{property: role, value: ignored}]}\n"
    "      - {name: story, logicalType: string, required: true, classification: personal,"
    " customProperties: [{property: role, value: text}, {property: storeAs, value: plain}]}\n"
)
"""Line pets with a name that is stored as a hash, and with personal values that are not."""

HANDLER = PROJECT / "functions" / "api" / "score_claim" / "handler.py"
CONTEXT: Any = SimpleNamespace(
    function_name="score", memory_limit_in_mb=1769, invoked_function_arn="arn:x", aws_request_id="request"
)
CASES = "/app/cases/{case_id}"
WHAT_IF, UNMASK, PHOTOS = f"POST {CASES}/what-if", f"POST {CASES}/unmask", f"GET {CASES}/photos"
PHOTO = f"GET {CASES}/photos/{{image_id}}"


@dataclass
class Kennel:
    """Line pets with a live model, cases and photos, and the API of people before it."""

    doors: BothDoors
    photos: PhotoEnvironment
    events: list[object] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        spec = importlib.util.spec_from_file_location("score_claim_for_people", HANDLER)
        assert spec is not None
        assert spec.loader is not None
        self._scorer = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._scorer)
        runtime = SimpleNamespace(scoring=lambda: self.doors.scoring)
        self._scorer.online_runtime = runtime  # type: ignore[attr-defined]
        database = CaseDatabase(self.site.database.as_task("api"), lambda: None)
        services = replace(NO_SERVICES, scorer=Scorer(self.call, lambda: datetime(2026, 3, 2, tzinfo=UTC)))
        self._api = CaseApi(database, COGNITO, services)

    @property
    def site(self) -> Site:
        return self.doors.site

    def call(self, event: object) -> Called:
        """Call the function that scores, as Lambda does."""
        self.events.append(event)
        return Called(self._scorer.handler(json.loads(json.dumps(event)), CONTEXT), None, None)

    def send(
        self,
        route: str,
        claim_id: str,
        body: object = None,
        *groups: str,
        purpose: str = "fraud_investigation",
        **path: str,
    ) -> tuple[int, Any]:
        """Send a request about the case of a claim; return status and document, or the bytes of a picture."""
        self.requests += 1
        event = signed_in({"username": "ida", "cognito:groups": list(groups or ("investigator",))})
        event |= {"routeKey": route, "pathParameters": {"case_id": self.case_id(claim_id)} | path}
        event["headers"] |= {"x-purpose": purpose}
        event["requestContext"]["requestId"] = f"request-{self.requests}"
        if body is not None:
            event["body"] = json.dumps(body)
        answer = self._api.answer(event)
        assert "no-store" in answer["headers"]["cache-control"]
        assert answer["headers"].get("x-content-type-options", "nosniff") == "nosniff"
        if answer.get("isBase64Encoded"):
            return answer["statusCode"], base64.b64decode(answer["body"], validate=True)
        return answer["statusCode"], json.loads(answer["body"])

    def case_id(self, claim_id: str) -> str:
        found = self.site.query(
            "SELECT case_id::text FROM claimwatch.review_case WHERE (line, claim_id) = ('pets', %s)", claim_id
        )
        return str(found[0]["case_id"]) if found else "00000000-0000-0000-0000-000000000000"

    def what_if(self, of: str, **changes: Any) -> tuple[int, Json]:
        return self.send(WHAT_IF, of, {"changes": changes})

    def set_case(self, claim_id: str, **values: Any) -> None:
        """Change a case as nobody but its owner can."""
        for name, value in values.items():
            self.site.query(
                f"UPDATE claimwatch.review_case SET {name} = %s WHERE claim_id = %s RETURNING 1",
                value,
                claim_id,
            )

    def recorded(self) -> list[Json]:
        """Return the access events since the last call."""
        found = self.site.query(
            "SELECT * FROM claimwatch.access_event WHERE seq > %s ORDER BY seq", getattr(self, "_seen", 0)
        )
        self._seen = max((row["seq"] for row in found), default=getattr(self, "_seen", 0))
        return found


CLAIMS: tuple[Json, ...] = (
    {"claim_id": "A1", "reported_at": "2026-02-01T10:30:00", "amount": 1.25, "known": True, "animal": "cat"},
    {"claim_id": "A2", "reported_at": "2026-02-02T23:59:59", "known": False, "bought_on": "2026-02-03"},
    {"claim_id": "A3", "reported_at": "2026-02-03T00:00:00", "amount": 0.1 + 0.2, "animal": "newt"},
    {"claim_id": "A4", "reported_at": "2026-02-04T05:06:07.123456", "amount": 4999.99, "animal": "dog"},
)


@pytest.fixture(scope="module")
def kennel(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kennel]:
    folder = tmp_path_factory.mktemp("kennel")
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        doors = BothDoors(Site.below(database, folder), "pets")
        assert doors.site.put_contract("pets", WITH_PEOPLE).status == "applied"
        files, sha256 = make_bundle()
        uri = f"s3://{ARTIFACTS}/models/pets/1/"
        doors.promote(NewVersion("pets", "1", {}, "d" * 64, "c", "1.0.0", uri, sha256), files)
        doors.by_file([json.dumps(claim | {"owner": OWNER, "story": STORY}) for claim in CLAIMS])
        # Every claim is a case: the capacity of a model is not what these tests are about.
        for claim in CLAIMS:
            doors.site.query(
                "INSERT INTO claimwatch.review_case AS c (line, claim_id, file_id, origin, blinded, priority,"
                " model_version, due_at) SELECT line, claim_id, file_id, 'referral', false, 1, '1', now()"
                " FROM claimwatch.score WHERE claim_id = %s"
                " ON CONFLICT (line, claim_id) DO UPDATE SET blinded = false, origin = 'referral'"
                " RETURNING 1",
                claim["claim_id"],
            )
        photos = PhotoEnvironment(database, folder / "landing", FakeDecoder())
        yield Kennel(doors, photos)


@pytest.fixture(autouse=True)
def only_new_events(kennel: Kennel) -> None:
    kennel.recorded()
    kennel.doors.records.clear()


# -- What-if -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["claim_id"])
def test_before_is_the_stored_score_bit_for_bit_although_some_columns_are_known_as_hashes_only(
    kennel: Kennel, claim: Json
) -> None:
    [stored] = kennel.site.query("SELECT * FROM claimwatch.score WHERE claim_id = %s", claim["claim_id"])

    status, document = kennel.what_if(claim["claim_id"], amount=claim.get("amount"))

    assert status == 200, document
    assert document["before"] == {name: stored[name] for name in ("probability", "percentile")}
    assert {name: document[name] for name in ("probability", "percentile")} == document["before"]


def test_a_changed_value_has_the_score_that_a_claim_with_it_would_have(kennel: Kennel) -> None:
    changed = CLAIMS[0] | {"amount": 321.5, "animal": "dog", "owner": OWNER, "story": STORY}
    [wanted] = kennel.doors.by_requests([json.dumps(changed)])
    scores = kennel.site.query("SELECT count(*) FROM claimwatch.score")

    status, document = kennel.what_if("A1", amount=321.5, animal="dog")

    assert status == 200
    assert (document["probability"], document["percentile"], document["refer"]) == (
        wanted.probability, wanted.percentile, wanted.referred  # type: ignore[union-attr]
    )  # fmt: skip
    assert kennel.site.query("SELECT count(*) FROM claimwatch.score") == scores, "a what-if is no score"


def test_a_what_if_is_one_access_event_of_the_person_and_its_record_names_the_person(kennel: Kennel) -> None:
    kennel.what_if("A1", amount=10, animal=None)
    request_id = f"request-{kennel.requests}"

    [event] = kennel.recorded()
    assert (event["actor"], event["via"], event["action"], event["object"], event["outcome"]) == (
        "ida", "app", "claim.what_if", "A1", "answered"
    )  # fmt: skip
    assert (event["purpose"], event["reason"]) == ("fraud_investigation", "changes amount, animal")
    [message] = kennel.doors.records
    record = RequestRecord.parse(json.loads(json.dumps(message)))
    deps = record_scores.Dependencies(kennel.site.database.as_task("record"), lambda: None)
    assert [record_scores.record_scores(deps, record) for _ in range(2)] == [2, 0]
    rows = kennel.site.query(
        "SELECT * FROM claimwatch.score_request WHERE request_id = %s ORDER BY position", request_id
    )
    assert [(row["actor"], row["action"], row["purpose"], row["claim_id"]) for row in rows] == [
        ("ida", "what_if", "fraud_investigation", "A1")
    ] * 2
    assert kennel.recorded() == [], "the person has asked once"


def test_only_what_a_score_needs_leaves_the_database(kennel: Kennel) -> None:
    kennel.what_if("A1", amount=10)

    sent = json.dumps(kennel.events[-1])
    assert STORY not in sent
    assert OWNER not in sent
    assert set(json.loads(json.loads(sent)["body"])["claims"][0]) == {
        "claim_id", "reported_at", "amount", "known", "animal", "bought_on"
    }  # fmt: skip


def test_reasons_about_masked_columns_show_no_value(kennel: Kennel) -> None:
    found = [
        reason
        for claim in CLAIMS
        for animal in ("cat", "dog", "fish", "newt")
        for reason in kennel.what_if(claim["claim_id"], animal=animal)[1]["reasons"]
    ]
    about = [reason for reason in found if reason["feature"] == "animal"]

    assert about, "the test looks at nothing"
    assert all(reason["masked"] and reason["value"] is None and "text" not in reason for reason in about)
    others = [reason for reason in found if reason["feature"] != "animal"]
    assert all("masked" not in reason and reason["text"] for reason in others)


FEATURES = ("animal", "animal.days", "animals", "animal.", "known", "", "story", None)


@given(
    features=st.lists(st.sampled_from(FEATURES), max_size=4),
    masked=st.lists(st.sampled_from(("animal", "story", "anim", "")), max_size=3, unique=True),
    members=st.sets(st.sampled_from(("text", "value", "typical", "share")), max_size=4),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reasons_of_a_what_if_are_masked_as_the_database_masks_stored_ones(
    kennel: Kennel, features: list[str | None], masked: list[str], members: set[str]
) -> None:
    reasons: list[Json] = [
        {"feature": feature, **dict.fromkeys(members, f"value {place}")}
        for place, feature in enumerate(features)
    ]

    [row] = kennel.site.query(
        "SELECT claimwatch.shown_reasons(%s::jsonb, %s::text[]) AS shown", json.dumps(reasons), masked
    )

    assert masked_reasons(reasons, masked) == row["shown"]


@pytest.mark.parametrize(
    "changes",
    [
        {"known": True},
        {"claim_id": "A2"},
        {"reported_at": "2026-01-01"},
        {"owner": "ZZ"},
        {"story": "ZZ"},
        {"unknown": 1},
        {"Amount": 1},
        {"amount": 1, "known": False},
    ],
    ids=str,
)
def test_only_columns_that_the_contract_names_can_be_changed(kennel: Kennel, changes: Json) -> None:
    status, problem = kennel.what_if("A1", **changes)

    assert (status, problem["code"]) == (400, "malformed")
    assert not kennel.doors.records
    assert [event["outcome"] for event in kennel.recorded()] == ["refused"]


@pytest.mark.parametrize("amount", [5000.01, "ZZ", True, "1e999"])
def test_a_value_that_the_contract_does_not_allow_is_refused_with_its_rule_and_not_quoted(
    kennel: Kennel, amount: object
) -> None:
    status, problem = kennel.what_if("A1", amount=amount)

    assert (status, problem["code"]) == (422, "refused")
    assert "amount" in problem["detail"]
    assert str(amount) not in problem["detail"]


def test_nothing_is_said_about_a_blinded_case_until_its_decision_is_final(kennel: Kennel) -> None:
    kennel.set_case("A2", blinded=True)
    assert kennel.what_if("A2", amount=1)[1]["code"] == "blinded"
    assert kennel.what_if("A2", amount=1)[0] == 409
    assert {event["reason"] for event in kennel.recorded()} == {"blinded"}
    kennel.set_case("A2", blinded=False)
    assert kennel.what_if("A2", amount=1)[0] == 200


@pytest.mark.parametrize(
    ("answer", "error", "expected"),
    [
        ({"statusCode": 503, "body": "{}"}, None, (503, "unavailable")),
        ({"statusCode": 400, "body": '{"code": "purpose"}'}, None, (503, "unavailable")),
        ({"statusCode": 409, "body": '{"code": "no_model"}'}, None, (409, "no_model")),
        ({"errorType": "x"}, "x", (503, "unavailable")),
        (None, None, (503, "unavailable")),
    ],
)
def test_a_scorer_that_does_not_answer_is_a_problem_to_retry(
    kennel: Kennel,
    monkeypatch: pytest.MonkeyPatch,
    answer: object,
    error: str | None,
    expected: tuple[int, str],
) -> None:
    api = kennel._api
    services = replace(
        NO_SERVICES, scorer=Scorer(lambda _: Called(answer, error, None), lambda: datetime.now(UTC))
    )
    monkeypatch.setattr(kennel, "_api", CaseApi(api.database, api.claims, services))

    status, problem = kennel.what_if("A1", amount=1)

    assert (status, problem["code"]) == expected


# -- Personal values -----------------------------------------------------------------------------------------


def test_personal_values_that_are_not_hashed_are_shown_for_a_reason_that_is_on_record(kennel: Kennel) -> None:
    status, document = kennel.send(UNMASK, "A1", {"reason": "calls the owner"})

    assert status == 200
    assert document == {"columns": [{"name": "animal", "value": "cat"}, {"name": "story", "value": STORY}]}
    [event] = kennel.recorded()
    assert (event["action"], event["object"], event["reason"], event["outcome"]) == (
        "claim.unmask", "A1", "calls the owner", "answered"
    )  # fmt: skip


# -- Photos --------------------------------------------------------------------------------------------------


def test_the_current_photos_of_a_claim_are_listed_with_what_is_odd_and_viewed_one_by_one(
    kennel: Kennel,
) -> None:
    kennel.photos.store("images/A1/front.jpg", picture(1, shows="front"))
    kennel.photos.store("images/A1/back.jpg", picture(2**40, shows="back"), second=1)
    kennel.photos.store("images/A1/back.jpg", picture(2**41, shows="newer"), second=2)
    kennel.photos.store("images/A3/stolen.jpg", picture(1, shows="front"), second=3)
    kennel.photos.store("images/elsewhere/stolen.jpg", picture(1, shows="front"), second=4)
    kennel.recorded()

    status, document = kennel.send(PHOTOS, "A1")

    assert status == 200
    assert [photo["name"] for photo in document["photos"]] == ["front.jpg", "back.jpg"]
    front, back = document["photos"]
    assert [(used["line"], used["claim_id"], used["distance"]) for used in front["also_used"]] == [
        ("pets", "A3", 0)
    ]
    assert front["also_used"][0]["case_id"] == kennel.case_id("A3")
    assert "used_elsewhere" in front["evidence"]
    assert "used_elsewhere" not in back["evidence"]
    assert back["also_used"] == []
    assert base64.b64decode(front["thumbnail"], validate=True)
    assert document["more"] == 0
    [event] = kennel.recorded()
    assert (event["action"], event["object"], event["outcome"]) == ("photo.list", "A1", "answered")

    status, content = kennel.send(PHOTO, "A1", image_id=str(front["image_id"]))
    [stored] = kennel.site.query(
        "SELECT display FROM claimwatch.claim_image WHERE image_id = %s", front["image_id"]
    )
    assert (status, content) == (200, bytes(stored["display"]))
    [event] = kennel.recorded()
    assert (event["action"], event["object"], event["reason"]) == (
        "photo.view", "A1", f"photo {front['image_id']}"
    )  # fmt: skip


def test_a_photo_of_another_claim_or_an_earlier_version_is_not_found(kennel: Kennel) -> None:
    kennel.photos.store("images/A2/one.jpg", picture(3, shows="one"), second=10)
    kennel.photos.store("images/A2/one.jpg", picture(3, shows="two"), second=11)
    kennel.photos.store("images/A4/other.jpg", picture(2**50, shows="other"), second=12)
    images = kennel.site.query("SELECT image_id, event_id, key FROM claimwatch.claim_image ORDER BY image_id")
    kennel.recorded()
    of_others = [row["image_id"] for row in images if row["event_id"] != "A2"]
    earlier, current = (row["image_id"] for row in images if row["event_id"] == "A2")

    for image_id in (*of_others, earlier, 10**17):
        status, problem = kennel.send(PHOTO, "A2", image_id=str(image_id))
        assert (status, problem["code"]) == (404, "not_found")
    assert {event["outcome"] for event in kennel.recorded()} == {"not_found"}
    assert kennel.send(PHOTO, "A2", image_id=str(current))[0] == 200


def test_claims_of_lines_that_the_person_may_not_read_are_not_named(kennel: Kennel) -> None:
    kennel.photos.store("images/A1/again.jpg", picture(7, shows="again"), second=20)
    kennel.photos.store("images/A3/again.jpg", picture(7, shows="again"), second=21)
    for permission in ("photo.view", "claim.read"):
        kennel.site.query(
            "INSERT INTO claimwatch.permission (grantee, permission, line, granted_by, why)"
            " VALUES ('group:lookers', %s, %s, 'test', 'test') RETURNING 1",
            permission,
            "pets" if permission == "photo.view" else "elsewhere",
        )

    status, document = kennel.send(PHOTOS, "A1", None, "lookers")

    assert status == 200
    [again] = [photo for photo in document["photos"] if photo["name"] == "again.jpg"]
    assert again["also_used"] == []
    assert "used_elsewhere" in again["evidence"]


# -- Permissions ---------------------------------------------------------------------------------------------

REQUESTS: dict[str, tuple[str, object, str]] = {
    UNMASK: ("claim.unmask", {"reason": "a reason"}, "claim.unmask"),
    WHAT_IF: ("claim.read", {"changes": {"amount": 1}}, "claim.what_if"),
    PHOTOS: ("photo.view", None, "photo.list"),
    PHOTO: ("photo.view", None, "photo.view"),
}


@pytest.mark.parametrize("route", REQUESTS)
def test_each_request_needs_its_permission_and_is_one_event_whatever_comes_of_it(
    kennel: Kennel, route: str
) -> None:
    needed, body, action = REQUESTS[route]
    images = kennel.site.query(
        "SELECT max(image_id) AS one FROM claimwatch.claim_image WHERE event_id = 'A2'"
    )
    path = {"image_id": str(images[0]["one"] or 1)}
    for group, permissions in (("all", {"claim.read", "claim.unmask", "photo.view"}), ("none", set())):
        for lacking in {None, *permissions} if permissions else {None}:
            name = f"{group}-{lacking}-{route}"
            for permission in permissions - {lacking}:
                kennel.site.query(
                    "INSERT INTO claimwatch.permission (grantee, permission, line, granted_by, why)"
                    " VALUES (%s, %s, 'pets', 'test', 'test') RETURNING 1",
                    f"group:{name}",
                    permission,
                )
            kennel.recorded()
            status, document = kennel.send(route, "A2", body, name, **path)
            [event] = kennel.recorded()
            assert event["action"] == action
            may = permissions and lacking != needed and not (route == UNMASK and lacking == "claim.read")
            if may:
                assert (status, event["outcome"]) == (200, "answered"), document
            else:
                assert (status, document["code"], event["outcome"]) == (403, "forbidden", "refused")


@pytest.mark.parametrize("route", REQUESTS)
def test_an_unknown_case_and_a_case_of_another_line_are_not_found_alike(kennel: Kennel, route: str) -> None:
    _, body, _ = REQUESTS[route]
    needed = {"claim.read", "claim.unmask", "photo.view"}
    for permission in needed:
        kennel.site.query(
            "INSERT INTO claimwatch.permission (grantee, permission, line, granted_by, why)"
            " VALUES ('group:strangers', %s, 'elsewhere', 'test', 'test') ON CONFLICT DO NOTHING RETURNING 1",
            permission,
        )
    known = kennel.send(route, "A1", body, "strangers", image_id="1")
    unknown = kennel.send(route, "nothing", body, "strangers", image_id="1")
    assert known == unknown
    assert (known[0], known[1]["code"]) == (404, "not_found")


@pytest.mark.parametrize("route", REQUESTS)
def test_a_purpose_that_the_line_does_not_have_is_refused(kennel: Kennel, route: str) -> None:
    status, problem = kennel.send(route, "A1", REQUESTS[route][1], purpose="curiosity", image_id="1")

    assert (status, problem["code"]) == (400, "purpose")
    [event] = kennel.recorded()
    assert (event["outcome"], event["purpose"], event["reason"]) == ("refused", None, "purpose")
