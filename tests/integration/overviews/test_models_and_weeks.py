"""What people see of models, weeks and seals; requests to promote, and who may make them."""

import json
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from claimwatch.aws.event_bus import EventBus
from claimwatch.aws.objects import ObjectMissing
from claimwatch.cases.route import Services
from claimwatch.domain.evaluation.finding import CHECKS, Finding
from claimwatch.domain.evaluation.week import WEEK, name_of
from claimwatch.errors import RefusedData
from claimwatch.evaluation.priorities import alarms, outcome_of
from claimwatch.models.desk_requests import LONGEST_WAIT, Ended, PromotionRequested, carry_out
from claimwatch.storage import evaluations
from claimwatch.storage.evaluations import Key, Window
from tests.cluster import ClonedDatabase, Cluster
from tests.integration.access.test_case_routes import NO_SERVICES, Client
from tests.integration.audit.record import MemorySeals, Record
from tests.integration.ingest.environment import Row, Site
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import ModelEnvironment

MODELS, CARD = "GET /app/models/{line}", "GET /app/models/{line}/{version}/card"
PROMOTE = "POST /app/models/{line}/promotions"
WEEKS, REPORT = "GET /app/weeks/{line}", "GET /app/weeks/{line}/{window}/report"
SEALS, VERIFY = "GET /app/audit/seals", "POST /app/audit/verification"
GLASS_LINE = {"line": "glass"}


@dataclass
class Bus:
    """Events that were published."""

    published: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def publish_event(self, kind: str, detail: Any) -> None:
        """Remember an event."""
        self.published.append((kind, dict(detail)))


@dataclass
class Pages:
    """Pages of the artifact bucket, by their keys."""

    stored: dict[str, bytes] = field(default_factory=dict)

    def newest(self, bucket: str, key: str) -> bytes:
        """Return a page."""
        assert bucket == "artifacts"
        if key not in self.stored:
            raise ObjectMissing(key)
        return self.stored[key]


@dataclass
class Overviews:
    """A line with models and weeks, and people who ask the API."""

    models: ModelEnvironment
    bus: Bus = field(default_factory=Bus)
    pages: Pages = field(default_factory=Pages)
    seals: MemorySeals = field(default_factory=MemorySeals)

    @classmethod
    def below(cls, database: ClonedDatabase, folder: Path) -> "Overviews":
        site = Site.below(database, folder)
        assert site.put_contract("glass", GLASS).status == "applied"
        return cls(ModelEnvironment(site))

    @property
    def client(self) -> Client:
        bus: EventBus = self.bus
        services = Services(
            NO_SERVICES.scorer,
            lambda: self.pages,  # type: ignore[arg-type, return-value]
            lambda: self.seals,
            lambda: bus,
        )
        return Client(self.models.site.database.as_task("api"), services)

    def get(self, route: str, *groups: str, **asked: Any) -> Any:
        asked = {"purpose": "operations", "request_id": str(uuid4())} | asked
        status, document, _ = self.client.send(route, *groups, **asked)
        assert status in (200, 202), document
        return document

    def code(self, route: str, *groups: str, **asked: Any) -> tuple[int, str]:
        asked = {"purpose": "operations", "request_id": str(uuid4())} | asked
        status, document, _ = self.client.send(route, *groups, **asked)
        return status, document["code"]

    def requested(self, name: str = "lea", **body: Any) -> str:
        """Send the request of a lead, and return its id."""
        sent = {"action": "promote", "version": "2", "role": "champion", "why": "it finds more"} | body
        document = self.get(PROMOTE, "lead", path=GLASS_LINE, body=sent, name=name)
        request_id: str = document["request_id"]
        assert self.bus.published[-1] == ("PromotionRequested", {"request_id": request_id})
        return request_id

    def carry_out(self, request_id: str, later: timedelta = timedelta()) -> Ended:
        """Carry out a request as PromoteModel does when it receives the event."""
        event = {"stack": "staging", **self.bus.published[-1][1], "request_id": request_id}
        return carry_out(self.models.promoting, PromotionRequested.parse(event), datetime.now(UTC) + later)

    def history(self) -> list[Row]:
        return self.models.site.query("SELECT * FROM claimwatch.promotion ORDER BY promotion_id")

    def events(self) -> list[Row]:
        return self.models.site.query("SELECT * FROM claimwatch.access_event ORDER BY seq")


@pytest.fixture
def overviews(database: ClonedDatabase, tmp_path: Path) -> Overviews:
    found = Overviews.below(database, tmp_path / "buckets")
    found.models.register("1")
    found.models.promote("1")
    found.models.register("2")
    return found


# -- Promotions ----------------------------------------------------------------------------------------------


def test_a_person_promotes_and_the_history_names_the_person(overviews: Overviews) -> None:
    request_id = overviews.requested()
    assert overviews.carry_out(request_id).outcome == "carried_out"
    assert overviews.models.live() == {"champion": "2"}
    [_, row] = overviews.history()
    assert (row["request_id"], row["by"], row["caller"], row["why"]) == (
        request_id, "lea", "person:lea", "it finds more",
    )  # fmt: skip
    [event] = [each for each in overviews.events() if each["action"] == "model.promote"]
    assert (event["actor"], event["outcome"], event["request_id"]) == ("lea", "answered", request_id)
    assert (event["model_version"], event["reason"], event["purpose"]) == ("2", "it finds more", "operations")
    found = overviews.get(MODELS, "lead", path=GLASS_LINE)
    assert [(each["version"], each["by"], each["caller"]) for each in found["promotions"]] == [
        ("2", "lea", "person:lea"),
        ("1", "ann", row_caller(overviews)),
    ]
    [asked] = found["requests"]
    assert (asked["state"], asked["by"], asked["version"], asked["because"]) == (
        "carried_out",
        "lea",
        "2",
        None,
    )
    assert found["refused"] is None
    assert [role["role"] for role in found["models"][0]["roles"]] == ["champion"]


def row_caller(overviews: Overviews) -> str:
    return str(overviews.history()[0]["caller"])


def test_an_event_carries_out_a_request_once_however_often_it_comes(overviews: Overviews) -> None:
    request_id = overviews.requested()
    for _ in range(3):
        overviews.carry_out(request_id)
    overviews.models.rollback()
    assert overviews.carry_out(request_id).outcome == "carried_out"
    assert overviews.models.live() == {"champion": "1"}
    assert len(overviews.history()) == 3


def test_an_event_that_names_a_person_or_an_unknown_request_changes_nothing(overviews: Overviews) -> None:
    forged = {"request_id": "forged", "by": "lea", "caller": "person:lea", "line": "glass", "version": "2"}
    with pytest.raises(RefusedData, match="nobody has made this request"):
        carry_out(overviews.models.promoting, PromotionRequested.parse(forged), datetime.now(UTC))
    request_id = overviews.requested(version="1")
    overviews.bus.published[-1] = ("PromotionRequested", {"version": "2", "by": "somebody else"})
    assert overviews.carry_out(request_id).outcome == "unchanged"
    assert overviews.models.live() == {"champion": "1"}


def test_a_refused_request_says_why_and_leaves_what_is_live(overviews: Overviews) -> None:
    request_id = overviews.requested(version="9")
    ended = overviews.carry_out(request_id)
    assert ended.outcome == "refused"
    assert "no model 9" in str(ended.because)
    found = overviews.get(MODELS, "data_scientist", path=GLASS_LINE)
    assert found["refused"] == {
        "request_id": request_id,
        "at": found["requests"][0]["ended_at"],
        "by": "lea",
        "version": "9",
        "because": ended.because,
    }
    assert found["requests"][0]["state"] == "refused"
    assert overviews.models.live() == {"champion": "1"}


def test_a_rollback_names_the_champion_that_it_takes_back(overviews: Overviews) -> None:
    overviews.carry_out(overviews.requested())
    rollback = {"action": "rollback", "version": "2", "role": "champion"}
    first, again = overviews.requested(**rollback), overviews.requested(**rollback)
    assert overviews.carry_out(first).outcome == "carried_out"
    assert overviews.models.live() == {"champion": "1"}
    assert overviews.carry_out(again).outcome == "refused"
    assert overviews.models.live() == {"champion": "1"}


def test_a_request_that_waited_too_long_is_refused(overviews: Overviews) -> None:
    request_id = overviews.requested()
    ended = overviews.carry_out(request_id, later=LONGEST_WAIT + timedelta(seconds=1))
    assert (ended.outcome, overviews.models.live()) == ("refused", {"champion": "1"})


def test_whoever_approved_an_exception_does_not_promote_the_model_at_the_desk(overviews: Overviews) -> None:
    overviews.models.register("3", refused_because="groups differ", failed_gates=("bias",))
    overviews.models.approve("3", caller="arn:aws:sts::123456789012:assumed-role/compliance/rita")
    ended = overviews.carry_out(overviews.requested("rita", version="3"))
    assert ended.outcome == "refused"
    assert "same person" in str(ended.because)
    assert overviews.carry_out(overviews.requested("lea", version="3")).outcome == "carried_out"


def test_only_who_may_promote_requests_it_and_each_attempt_is_an_event(overviews: Overviews) -> None:
    body = {"action": "promote", "version": "2", "role": "champion", "why": "it finds more"}
    before = len(overviews.events())
    for groups in (("data_scientist",), ("investigator",), ("auditor",), ("lead", "data_scientist")):
        assert overviews.code(PROMOTE, *groups, path=GLASS_LINE, body=body) == (403, "forbidden")
    assert overviews.code(PROMOTE, "lead", path={"line": "motor2"}, body=body)[0] == 404
    assert overviews.code(PROMOTE, "lead", path=GLASS_LINE, body=body, purpose="fun") == (400, "purpose")
    assert overviews.code(PROMOTE, "lead", path=GLASS_LINE, body=body | {"why": "a\nb"}) == (400, "malformed")
    events = overviews.events()[before:]
    assert [event["action"] for event in events] == ["model.promote"] * 7
    assert not overviews.bus.published
    assert overviews.models.site.query("SELECT * FROM claimwatch.promotion_request") == []


def test_requests_and_their_ends_are_never_changed(overviews: Overviews) -> None:
    overviews.carry_out(overviews.requested())
    for table in ("promotion_request", "promotion_request_end"):
        for statement in ("UPDATE claimwatch.{} SET request_id = 'x'", "DELETE FROM claimwatch.{}"):
            with pytest.raises(Exception, match="InsufficientPrivilege"):
                overviews.models.site.query(statement.format(table))


def test_models_say_what_a_promotion_has_to_answer_for(overviews: Overviews) -> None:
    warnings = [
        {"kind": "leak", "column": "amount", "found": "it looks like a leak"},
        {"kind": "proxy", "column": "panes", "found": "it stands for a group"},
    ]
    overviews.models.register("4", warnings=warnings)
    found = overviews.get(MODELS, "lead", path=GLASS_LINE)
    newest = found["models"][0]
    assert (newest["version"], newest["to_answer_for"], newest["warnings"]) == ("4", ["amount"], warnings)
    assert overviews.carry_out(overviews.requested(version="4")).outcome == "refused"
    assert overviews.carry_out(overviews.requested(version="4", trust=["amount"])).outcome == "carried_out"


# -- Pages ---------------------------------------------------------------------------------------------------


def test_the_card_of_a_model_is_a_page_without_scripts_and_one_event(overviews: Overviews) -> None:
    overviews.pages.stored["models/glass/2/card.html"] = "<p>Grüße</p>".encode()
    before = len(overviews.events())
    answer = overviews.client.raw(CARD, "lead", path={"line": "glass", "version": "2"}, purpose="operations")
    assert (answer["statusCode"], answer["body"]) == (200, "<p>Grüße</p>")
    assert answer["headers"]["content-type"] == "text/html; charset=utf-8"
    assert answer["headers"]["content-security-policy"].startswith("sandbox; default-src 'none'")
    [event] = overviews.events()[before:]
    assert (event["action"], event["object"], event["model_version"]) == ("models.card", "2", "2")
    assert overviews.code(CARD, "lead", path={"line": "glass", "version": "1"}) == (404, "not_found")
    assert overviews.code(CARD, "lead", path={"line": "glass", "version": "99"}) == (404, "not_found")
    assert overviews.code(CARD, "investigator", path={"line": "glass", "version": "2"}) == (403, "forbidden")


# -- Weeks ---------------------------------------------------------------------------------------------------


@dataclass
class Book:
    """Weeks of line glass with generated findings."""

    overviews: Overviews
    windows: list[Window] = field(default_factory=list)
    findings: dict[datetime, dict[str, list[Finding]]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def book(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    draw = random.Random(36)
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        found = Book(Overviews.below(database, tmp_path_factory.mktemp("buckets")))
        found.overviews.models.register("1")
        start = datetime(2026, 1, 5, tzinfo=UTC)
        for number in range(5):
            window = Window("glass", start + number * WEEK, start + (number + 1) * WEEK, "1", None, "planned")
            missing = {"bias": "it failed"} if number == 3 else {}
            found.windows.append(window)
            with database.as_task("evaluation").transaction() as cursor:
                evaluations.add_window(cursor, window)
                for check in CHECKS:
                    if check in missing or (check == "challenger"):
                        continue
                    made = list(generated(draw, check))
                    found.findings.setdefault(window.start, {})[check] = made
                    evaluations.mark_done(cursor, window, check, made, 1.0)
                evaluations.close_window(
                    cursor,
                    Key("glass", window.start, "1"),
                    closed_at=window.end,
                    claims=100 + number,
                    missing=missing,  # type: ignore[arg-type]
                    report_uri=f"s3://artifacts/reports/glass/{name_of(window.start)}/1.html",
                )
        yield found


def generated(draw: random.Random, check: str) -> Iterator[Finding]:
    features = ("amount", "panes", "") if check == "feature_drift" else ("",)
    for feature in features:
        for metric in ("psi", "missing") if feature else ("count", "share"):
            verdict = draw.choice(("ok", "ok", "ok", "watch", "alarm", "not enough data"))
            threshold = draw.choice((None, 0.5))
            yield Finding(metric, draw.random(), 10, verdict, feature, threshold=threshold)  # type: ignore[arg-type]


def test_weeks_have_the_verdicts_that_the_report_has(book: Book) -> None:
    found = book.overviews.get(WEEKS, "data_scientist", path=GLASS_LINE)
    assert [window["window"] for window in found["windows"]] == [
        name_of(window.start) for window in reversed(book.windows)
    ]
    for shown, window in zip(found["windows"], reversed(book.windows), strict=True):
        findings = book.findings[window.start]
        assert [check["check"] for check in shown["checks"]] == list(CHECKS)
        for check in shown["checks"]:
            expected = outcome_of(findings[check["check"]]) if check["check"] in findings else None
            assert check["verdict"] == expected
        assert shown["report"] is True
        assert (shown["status"] == "incomplete") == (shown["window"] == "2026-W05")
    bias = {window["window"]: window["checks"][CHECKS.index("bias")] for window in found["windows"]}
    assert (bias["2026-W05"]["verdict"], bias["2026-W05"]["missing"]) == (None, "it failed")


def test_the_heat_map_has_each_feature_of_each_week_with_its_most_urgent_verdict(book: Book) -> None:
    found = book.overviews.get(WEEKS, "auditor", path=GLASS_LINE)
    cells = {(cell["window"], cell["feature"]): cell for cell in found["features"]}
    assert len(cells) == len(found["features"]) == 10
    for window in book.windows:
        for feature in ("amount", "panes"):
            about = [each for each in book.findings[window.start]["feature_drift"] if each.feature == feature]
            [psi] = [each for each in about if each.metric == "psi"]
            cell = cells[name_of(window.start), feature]
            assert (cell["value"], cell["threshold"]) == (pytest.approx(psi.value), psi.threshold)
            ranks = ("alarm", "watch", "ok", "not enough data")
            assert cell["verdict"] == min((each.verdict for each in about), key=ranks.index)


def test_all_alarms_are_listed(book: Book) -> None:
    found = book.overviews.get(WEEKS, "lead", path=GLASS_LINE)
    expected = {
        (name_of(start), check, finding.metric, finding.feature)
        for start, findings in book.findings.items()
        for check, finding in alarms(findings)  # type: ignore[arg-type]
    }
    shown = [(each["window"], each["check"], each["metric"], each["feature"]) for each in found["alarms"]]
    assert set(shown) == expected
    assert len(shown) == len(expected) > 5


def test_the_report_of_a_week_is_a_page(book: Book) -> None:
    book.overviews.pages.stored["reports/glass/2026-W04/1.html"] = b"<h1>Week</h1>"
    where = {"line": "glass", "window": "2026-W04"}
    answer = book.overviews.client.raw(REPORT, "lead", path=where, purpose="operations")
    assert (answer["statusCode"], answer["body"]) == (200, "<h1>Week</h1>")
    assert book.overviews.code(REPORT, "lead", path=where | {"window": "2026-W40"}) == (404, "not_found")
    assert book.overviews.code(WEEKS, "investigator", path=GLASS_LINE) == (403, "forbidden")


# -- Seals ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sealed(database: ClonedDatabase, tmp_path: Path) -> tuple[Overviews, Record]:
    """Access events in seals of at most fifty events, and some that are not sealed."""
    overviews = Overviews.below(database, tmp_path / "buckets")
    record = Record(database, most_events=50)
    overviews.seals = record.seals
    record.add(490)
    record.seal()
    record.add(7)
    return overviews, record


def verify(overviews: Overviews, seals: int = 100) -> Any:
    return overviews.get(VERIFY, "auditor", body={"seals": seals}, name="eve")


def test_the_newest_events_agree_with_their_seals(sealed: tuple[Overviews, Record]) -> None:
    overviews, _ = sealed
    shown = overviews.get(SEALS, "auditor", name="eve")
    assert [seal["number"] for seal in shown["seals"]] == list(range(10, 0, -1))
    assert (shown["unsealed"], shown["verification"], shown["gaps"]) == (8, None, [])
    found = verify(overviews)
    assert (found["intact"], found["first_wrong"], found["findings"]) == (True, None, [])
    assert (found["verified"], found["seals"], found["first_seal"], found["last_seal"]) == (490, 10, 1, 10)
    assert (found["first_seq"], found["last_seq"], found["by"]) == (1, 490, "eve")
    some = verify(overviews, seals=3)
    assert (some["verified"], some["seals"], some["first_seal"], some["intact"]) == (140, 3, 8, True)
    assert some["newest_seal_sha256"] == shown["seals"][0]["sha256"]
    shown = overviews.get(SEALS, "auditor", name="eve")
    assert shown["verification"] == some
    actions = [event["action"] for event in overviews.events() if event["actor"] == "eve"]
    assert actions == ["audit.seals", "audit.verification", "audit.verification", "audit.seals"]


@pytest.mark.parametrize("seals", [3, 100])
@pytest.mark.parametrize(
    ("statement", "kind", "seq"),
    [
        ("UPDATE claimwatch.access_event SET actor = 'x' WHERE seq = 420", "event_altered", 420),
        ("DELETE FROM claimwatch.access_event WHERE seq IN (430, 480)", "event_deleted", 430),
        ("UPDATE claimwatch.access_event SET purpose = 'audit' WHERE seq > 440", "event_altered", 441),
    ],
)
def test_the_first_wrong_event_is_named(
    sealed: tuple[Overviews, Record], statement: str, kind: str, seq: int, seals: int
) -> None:
    overviews, record = sealed
    record.run(statement)
    found = verify(overviews, seals)
    assert found["intact"] is False
    assert (found["first_wrong"]["kind"], found["first_wrong"]["seq"]) == (kind, seq)
    assert found["findings"][0] == found["first_wrong"]["sentence"]
    assert found["differences"] >= 1


def test_events_and_rows_that_the_owner_removed_together_are_missed(
    sealed: tuple[Overviews, Record],
) -> None:
    """The newest seal is still in S3, although the database knows neither it nor its events."""
    overviews, record = sealed
    record.run(
        "DELETE FROM claimwatch.audit_seal WHERE number >= 9;"
        "DELETE FROM claimwatch.access_event WHERE seq > 400"
    )
    found = verify(overviews, 3)
    assert found["intact"] is False
    assert (found["first_wrong"]["kind"], found["first_wrong"]["seq"]) == ("event_deleted", 401)


def test_a_forged_row_of_a_seal_is_named_even_if_it_is_the_one_before(
    sealed: tuple[Overviews, Record],
) -> None:
    overviews, record = sealed
    record.run("UPDATE claimwatch.audit_seal SET sha256 = sha256('x') WHERE number = 7")
    assert verify(overviews, 3)["intact"] is True  # the hash of seal 7 is that of its object
    found = verify(overviews, 4)
    assert (found["first_wrong"]["kind"], found["first_wrong"]["seal"]) == ("seal_row", 7)
    record.seals.touched.add(9)
    assert "seal 9 was deleted or overwritten" in " ".join(verify(overviews, 3)["findings"])


def test_a_verification_is_stored_only_for_who_was_allowed_to_start_it(
    sealed: tuple[Overviews, Record],
) -> None:
    overviews, _ = sealed
    assert overviews.code(VERIFY, "investigator", body={}) == (403, "forbidden")
    assert overviews.code(SEALS, "lead") == (403, "forbidden")
    with overviews.models.site.database.as_task("api").transaction() as cursor:
        cursor.execute(
            "SELECT outcome"
            " FROM claimwatch.api_note_verification(%s, 'eve', '{auditor}', 'audit', 'invented')",
            [json.dumps({"intact": True})],
        )
        assert cursor.fetchall() == [("refused",)]
    assert overviews.models.site.query("SELECT * FROM claimwatch.audit_verification") == []


def test_an_auditor_sees_nothing_of_claims(sealed: tuple[Overviews, Record]) -> None:
    """Neither seals nor their verification have a claim id, an actor other than the own one, or an object."""
    overviews, _ = sealed
    text = json.dumps([verify(overviews), overviews.get(SEALS, "auditor", name="eve")])
    assert "C-1" not in text
    assert "arn:aws:iam" not in text
    assert overviews.code("GET /app/team", "auditor", query={"line": "glass"}) == (403, "forbidden")
    assert overviews.code("GET /app/statistics", "auditor") == (403, "forbidden")
