"""Models and weeks: cases that people reported as bugs of other tools, and the same on files of our own."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.cluster import ClonedDatabase, Cluster
from tests.integration.field import model_book
from tests.integration.field.model_line import BASE, TODAY, ModelLine, unzipped
from tests.integration.ingest.environment import Site
from tests.testdata import FIELD, NO_FIELD

SOURCES = [
    "generated",
    pytest.param("field", marks=pytest.mark.skipif(FIELD is None, reason=NO_FIELD)),
]
ONE_SOURCE = ["generated" if FIELD is None else "field"]
"""The source of cases that need a training of their own, which takes some ten seconds."""

DRIFT = ("data_quality", "feature_drift", "score_drift")


def files_of(source: str) -> Mapping[str, bytes]:
    if source == "generated":
        return model_book.book()
    assert FIELD is not None
    return {path.name: path.read_bytes() for path in (FIELD / "files/m").iterdir()}


def contract_of(source: str, line: str) -> str:
    if source == "generated":
        return model_book.CONTRACT.format(line=line)
    assert FIELD is not None
    return (FIELD / f"files/contracts/{line}.yaml").read_text("utf-8")


def new_line(site: Site, source: str, line: str) -> ModelLine:
    made = ModelLine(site, line, files_of(source))
    made.put_contract(contract_of(source, line))
    return made


@pytest.fixture
def site(database: ClonedDatabase, tmp_path: Path) -> Site:
    return Site.below(database, tmp_path / "buckets")


@pytest.fixture(scope="module", params=SOURCES)
def book(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelLine]:
    """A line with forty weeks of claims, a trained champion, and six further weeks that are checked."""
    with cluster.clone() as url, closing(cluster.database(url)) as database:
        site = Site.below(database, tmp_path_factory.mktemp("buckets"))
        line = new_line(site, request.param, "mbook")
        line.begin(*BASE)
        training = line.train()
        assert training["status"] == "registered", training["error"]
        line.promote()
        names = (
            "w42.csv",
            "w43.csv",
            "border_of_w43.csv",
            "w44_without_witnesses.csv",
            "w45_new_garages.csv",
            "w46.csv",
            "w46_sent_again.csv",
            "w47.csv",
        )
        for name in names:
            assert line.drop(name)["rows_quarantined"] == 0
        assert line.drop("w42_w45.outcomes.csv", "outcomes")["rows_quarantined"] == 0
        line.score()
        line.evaluate(*(f"2026-W{number}" for number in range(42, 48)))
        yield line


def test_every_week_closes_with_every_check(book: ModelLine) -> None:
    for number in range(42, 48):
        window = book.window(f"2026-W{number}")
        assert (window["status"], window["missing"]) == ("closed", {})


def test_a_column_that_is_missing_in_a_week_alarms_and_nothing_else_does(book: ModelLine) -> None:
    """M03"""
    assert book.loud("2026-W44", *DRIFT) == {
        ("data_quality", "missing_share", "witnesses"),
        ("feature_drift", "psi", "witnesses"),
    }
    [missing] = [
        row
        for row in book.findings("2026-W44", "data_quality")
        if (row["metric"], row["feature"]) == ("missing_share", "witnesses")
    ]
    assert 0.9 < missing["value"] < 1.0  # the claims of the border have the column
    [scored] = book.site.query(
        "SELECT count(*) AS n FROM claimwatch.current_claim_mbook JOIN claimwatch.score USING (claim_id)"
        " WHERE reported_at >= '2026-10-26' AND reported_at < '2026-11-02'"
    )
    assert scored["n"] == 105


def test_claims_at_the_border_of_a_week_count_in_utc(book: ModelLine) -> None:
    """M07"""
    assert (book.window("2026-W43")["claims"], book.window("2026-W44")["claims"]) == (105, 105)


def test_a_week_that_was_sent_again_counts_each_claim_once(book: ModelLine) -> None:
    for number in range(42, 48):
        [claims] = book.site.query(
            "SELECT count(*) AS n FROM claimwatch.current_claim_mbook"
            " WHERE date_trunc('week', reported_at)::date = to_date(%s, 'IYYY-IW')",
            f"2026-{number}",
        )
        assert book.window(f"2026-W{number}")["claims"] == claims["n"]
    found = {
        (row["metric"], row["feature"], row["segment"]): row
        for row in book.findings("2026-W46", "data_quality", "feature_drift", "performance")
    }
    volume = found["volume_ratio", "", ""]
    assert (volume["n"], volume["verdict"]) == (100, "ok")
    assert volume["value"] == pytest.approx(1.0, abs=0.1)
    assert found["missing_share", "witnesses", ""]["n"] == 100
    assert found["psi", "claim_amount", ""]["n"] == 100
    assert found["repeated_share", "", ""]["value"] == pytest.approx(0.5)  # deliveries
    newest = csv.DictReader(unzipped(book.files["w46_sent_again.csv"]).splitlines())
    assert len({row["claim_id"] for row in newest}) == 100


def test_a_protected_group_of_a_few_claims_is_in_the_report_with_its_number(book: ModelLine) -> None:
    """M11"""
    bias = book.findings("2026-W42", "bias")
    [few] = book.site.query(
        "SELECT count(*) AS n FROM claimwatch.current_claim_mbook"
        " WHERE sex = 'X' AND reported_at < '2026-09-21' AND reported_at >= '2026-06-22'"
    )
    assert 5 <= few["n"] < 50
    small = {
        (row["metric"], row["n"], row["verdict"], row["value"])
        for row in bias
        if (row["feature"], row["segment"]) == ("sex", "X") and not row["metric"].startswith("selection")
    }
    assert small == {
        (f"{metric}{end}", few["n"], "not enough data", None)
        for metric in ("recall", "false_positive_rate")
        for end in ("", "_ratio")
    }
    assert not [row for row in bias if row["verdict"] == "alarm"]
    report = str(book.window("2026-W42")["report_uri"]).split("/", 3)[3]
    page = book.site.objects.newest("artifacts", report).decode()
    assert f"sex · X: {few['n']} claims, not enough data" in page


def test_ages_drawn_at_random_do_not_refuse_a_model_and_its_card_names_small_groups(book: ModelLine) -> None:
    """M11: the bias gate passes."""
    [version] = book.site.query("SELECT * FROM claimwatch.model_version WHERE line = 'mbook'")
    assert version["status"] == "registered"
    card = book.card()
    assert "Group that is too small to be judged" in card
    assert "| sex = X | not enough data |" in card
    assert "too small to be judged: sex = " in card


@pytest.mark.parametrize("source", ONE_SOURCE)
@pytest.mark.parametrize(
    ("line", "outcomes", "frauds"), [("mone", "all_honest", 0), ("mthree", "three_frauds", 3)]
)
def test_a_training_with_hardly_any_fraud_is_refused_with_their_number_by_split(
    site: Site, source: str, line: str, outcomes: str, frauds: int
) -> None:
    """M01"""
    made = new_line(site, source, line)
    made.drop("base_w02_w23.csv.gz")
    made.drop(f"{outcomes}.outcomes.csv.gz", "outcomes")

    training = made.train()

    assert training["status"] == "refused"
    assert "Frauds by split: training " in training["error"]
    by_split = training["error"].split("Frauds by split: ")[1].split(".")[0]
    assert sum(int(part.split()[-1]) for part in by_split.split(", ")) <= frauds
    assert site.query("SELECT FROM claimwatch.model_version WHERE status = 'registered'") == []
    assert not [alert for alert in site.alerts if "failed" in alert.subject]


@pytest.mark.parametrize("source", ONE_SOURCE)
def test_weeks_of_five_claims_alarm_nothing(site: Site, source: str) -> None:
    """M05"""
    line = new_line(site, source, "mtiny")
    line.begin(*BASE[:2])
    training = line.train()
    assert training["status"] == "registered", training["error"]
    line.promote()
    assert line.drop("tiny_w34_w47.csv")["rows_quarantined"] == 0
    line.score()

    watch = line.evaluate("2026-W46", "2026-W47")

    for week in ("2026-W46", "2026-W47"):
        assert line.window(week)["status"] == "closed"
        checks = ("data_quality", "feature_drift", "score_drift", "bias", "importance", "bivariate")
        assert line.loud(week, *checks, watches=True) == set()
        [volume] = [row for row in line.findings(week, "data_quality") if row["metric"] == "volume_ratio"]
        assert volume["verdict"] == "ok"
    assert (watch.digests, watch.events) == ([], [])


@pytest.mark.skipif(FIELD is None, reason=NO_FIELD)
def test_the_later_decision_stands_and_verdicts_may_come_before_their_claims(site: Site) -> None:
    """M09"""
    line = new_line(site, "field", "mout")
    line.drop("w42.csv")
    verdicts = line.drop("verdicts_of_november.csv", "outcomes")
    line.drop("first_looks_of_october.csv", "outcomes")
    line.drop("early_claims.csv")

    counts = (verdicts["rows_read"], verdicts["rows_loaded"], verdicts["rows_quarantined"])
    assert counts == (9, 8, 1)
    [(row, reasons)] = site.quarantine(verdicts["file_id"]).items()
    assert (row, [reason["rule"] for reason in reasons]) == (7, ["unique"])
    current = site.query("SELECT claim_id, is_fraud FROM claimwatch.current_outcome WHERE line = 'mout'")
    stands = {row["claim_id"]: row["is_fraud"] for row in current}
    assert [stands[claim] for claim in ("B405457", "B944063", "B788654", "B937187", "B101827")] == [True] * 5
    early = site.query(
        "SELECT c.claim_id, o.is_fraud FROM claimwatch.current_claim_mout AS c"
        " LEFT JOIN claimwatch.current_outcome AS o ON o.line = 'mout' AND o.claim_id = c.claim_id"
        " WHERE c.claim_id LIKE 'EARLY%%' ORDER BY 1"
    )
    assert [row["is_fraud"] for row in early] == [True, True, None]


def test_claims_dated_in_the_future_change_no_clock(book: ModelLine) -> None:
    """Runs last: it adds claims to the line, trains on them, and checks a week again."""
    if book.files is not model_book.book():
        pytest.skip("one training is enough")
    before = book.site.query("SELECT * FROM claimwatch.evaluation WHERE line = 'mbook'")
    future = model_book.claims_file(model_book.future_claims())
    line = ModelLine(book.site, "mbook", {"future.csv": future}, minutes=book.minutes + 100)
    file = line.drop("future.csv")
    assert (file["status"], file["rows_loaded"]) == ("committed", 6)
    line.score()
    [scored] = line.site.query(
        "SELECT count(*) AS n FROM claimwatch.score WHERE line = 'mbook' AND file_id = %s", file["file_id"]
    )
    assert scored["n"] == 6

    assert line.train()["status"] in ("registered", "refused")  # both store the model
    manifest = json.loads(line.site.objects.newest("artifacts", "models/mbook/2/manifest.json"))
    [young] = line.site.query(
        "SELECT count(*) AS n FROM claimwatch.current_claim_mbook WHERE reported_at > %s::date - 28",
        manifest["details"]["as_of"],
    )
    assert "2026-11-10" < manifest["details"]["as_of"] <= f"{TODAY:%Y-%m-%d}"
    assert manifest["details"]["immature"] == pytest.approx(young["n"], abs=20)  # as_of is a day here
    alerts = len(line.site.alerts)
    line.evaluate("2026-W46")
    assert line.site.query("SELECT * FROM claimwatch.evaluation WHERE line = 'mbook'") == before
    assert len(line.site.alerts) == alerts
