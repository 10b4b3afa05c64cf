"""A whole training on the sample book: its results, and the models and snapshots that it refuses."""

import html
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.model.ranking_metrics import roc_auc, top_decile_lift
from claimwatch.scoring.bundle import MANIFEST, Bundle, verify
from claimwatch.scoring.scorer import Scorer
from tests.integration.training.conftest import Book, Changed
from training.candidates import CANDIDATES
from training.card.page import as_markdown
from training.evaluate import metrics_of, values_of
from training.evidence import Evidence
from training.gates import Gate
from training.publish import publish
from training.run import Request, train
from training.settings import Settings
from training.snapshot import RefusedTraining, read_snapshot
from training.warnings import TrainingWarning

FAST = [family for family in CANDIDATES if family.name in ("logistic_regression", "lightgbm")]
TODAY = np.datetime64("2026-11-24", "us")
BUDGET = 0.1
OF_ALL_FAMILIES = 0.5
"""Minutes with which each family has ten trials and more: after two, chance decides which one ranks best."""


@dataclass(frozen=True)
class Trained:
    evidence: Evidence
    folder: Path
    sha256: str
    told: list[str]

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


def request(contract: Contract, snapshot: Path, champion: "Trained | None" = None) -> Request:
    new = Request("motor", "1", contract, snapshot, "abc123", "2026-11-24T00:00:00+00:00", TODAY)
    return replace(new, champion=champion.folder, champion_sha256=champion.sha256) if champion else new


def settings(contract: Contract, **given: object) -> Settings:
    return Settings.of_contract(contract, budget_minutes=BUDGET, **given)


@pytest.fixture(scope="module")
def trained(book: Book, contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    told: list[str] = []
    enough = replace(settings(contract), budget_minutes=OF_ALL_FAMILIES)
    evidence = train(request(contract, book.snapshot), enough, told.append)
    folder = tmp_path_factory.mktemp("bundle")
    return Trained(evidence, folder, publish(evidence, folder), told)


@pytest.fixture
def scorer(trained: Trained) -> Scorer:
    return Scorer(Bundle.read(trained.read, trained.sha256))


def test_a_back_test_says_so_in_its_card_and_manifest(trained: Trained, tmp_path: Path) -> None:
    publish(replace(trained.evidence, back_test=True, as_of="2026-10-31"), tmp_path)

    details = json.loads((tmp_path / MANIFEST).read_bytes())["details"]
    assert (details["back_test"], details["as_of"]) == (True, "2026-10-31")
    assert "nothing after 2026-10-31 was known" in (tmp_path / "card.md").read_text("utf-8")
    assert json.loads(trained.read(MANIFEST))["details"]["back_test"] is False
    assert "back-test" not in trained.read("card.md").decode()


def test_the_model_passes_every_gate_and_its_bundle_verifies(trained: Trained) -> None:
    assert trained.evidence.refused_because is None
    assert [gate.name for gate in trained.evidence.gates] == ["parity", "leak", "use", "bias", "champion"]
    manifest = verify(trained.read, trained.sha256)
    assert {"card.html", "card.md", "model.onnx", "plots/lift.png"} <= manifest.parts.keys()
    assert manifest.data_sha256 == trained.evidence.data_sha256
    assert manifest.code_version == "abc123"
    assert {"roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier"} <= manifest.metrics.keys()
    assert manifest.details["failed_gates"] == []
    # The book is honest; a region of the incident, and a driver's age, stand for those of the policyholder.
    assert sorted((each["kind"], each["column"]) for each in manifest.details["warnings"]) == [
        ("proxy", "driver_age"),
        ("proxy", "incident_region"),
    ]


def test_the_model_reaches_nine_tenths_of_the_best_possible_lift(
    trained: Trained, scorer: Scorer, book: Book, contract: Contract
) -> None:
    claims = read_snapshot(book.snapshot, contract)
    latest = claims.event_time >= np.datetime64(trained.evidence.folds[2].first)
    own = scorer.probabilities(claims.columns)[latest]
    fraud, true = book.is_fraud[latest], book.probability[latest]
    reached = top_decile_lift(fraud, own) / top_decile_lift(fraud, true)
    print(f"{reached:.3f} of the lift of the truth; ROC-AUC {roc_auc(fraud, own):.3f}")
    assert reached >= 0.9
    assert own.mean() == pytest.approx(true.mean(), rel=0.25)


def test_estimates_for_the_whole_book_match_the_truth(
    trained: Trained, scorer: Scorer, book: Book, contract: Contract
) -> None:
    """Estimates come from investigated claims; the truth is in or near their intervals."""
    claims = read_snapshot(book.snapshot, contract)
    latest = claims.event_time >= np.datetime64(trained.evidence.folds[2].first)
    own, fraud = scorer.probabilities(claims.columns)[latest], book.is_fraud[latest]
    area = metrics_of(trained.evidence.evaluation.book)["roc_auc"]
    assert area.low is not None
    assert area.high is not None
    slack = 0.5 * (area.high - area.low)
    assert area.low - slack <= roc_auc(fraud, own) <= area.high + slack
    assert values_of(trained.evidence.evaluation.investigated)["base_rate"] > 2.0 * fraud.mean()


def test_referrals_match_the_capacity_over_all_claims(scorer: Scorer, book: Book, contract: Contract) -> None:
    claims = read_snapshot(book.snapshot, contract)
    referred = scorer.referred(
        scorer.probabilities(claims.columns), np.asarray(claims.columns["claim_id"]), b"a key"
    )
    assert referred.mean() == pytest.approx(0.05, abs=0.01)


def test_the_most_important_features_are_those_of_the_book_s_mechanism(trained: Trained) -> None:
    first = list(trained.evidence.evaluation.importance)[:6]
    assert {"claim_amount", "policy_start_date.days"} <= set(first)


def test_reasons_name_the_book_s_mechanism(
    trained: Trained, scorer: Scorer, book: Book, contract: Contract
) -> None:
    """Fraud in the book depends on early claims, theft, large amounts, earlier claims and late reports."""
    columns = read_snapshot(book.snapshot, contract).columns
    rows = np.flatnonzero(
        scorer.referred(scorer.probabilities(columns), np.asarray(columns["claim_id"]), b"a key")
    )
    reasons = scorer.reasons(columns, rows)
    told = [{reason["feature"] for reason in each} for each in reasons]
    mechanism = {
        "policy_start_date.days",
        "incident_type",
        "claim_amount",
        "claims_last_3_years",
        "police_report",
        "incident_date.days",
        "sales_channel",
    }
    first = [each[0]["feature"] in mechanism for each in reasons]
    assert len(rows) > 500
    assert np.mean(first) > 0.9
    insured = np.asarray(columns["reported_at"])[rows] - np.asarray(columns["policy_start_date"])[rows]
    early = np.flatnonzero(insured < np.timedelta64(15, "D"))
    assert len(early) > 50
    assert np.mean(["policy_start_date.days" in told[place] for place in early]) > 0.9
    [text] = {
        reason["text"] for reason in reasons[early[0]] if reason["feature"] == "policy_start_date.days"
    } or {""}
    assert "days after" in text


def test_columns_that_are_no_features_are_named_with_the_reason(
    changed: Changed, contract: Contract, trained: Trained, tmp_path: Path
) -> None:
    snapshot = changed(
        "claims.*, row_number() OVER (ORDER BY reported_at) AS intake_number, 'd3b07384' AS broker"
    )
    numbered = replace(
        contract,
        columns=(
            *contract.columns,
            Column("intake_number", LogicalType.INTEGER, Role.FEATURE),
            Column("broker", LogicalType.STRING, Role.FEATURE, hashed=True),
        ),
    )
    told: list[str] = []
    evidence = train(request(numbered, snapshot), settings(contract), told.append, FAST)
    assert "identifier" in evidence.leaks["intake_number"]
    assert any("intake_number" in line for line in told)
    assert "intake_number" not in evidence.spec.names
    assert trained.evidence.unused == {}
    assert "stored as a hash" in evidence.unused["broker"]
    assert any("broker" in line and "stored as a hash" in line for line in told)
    publish(evidence, tmp_path / "bundle")
    card = (tmp_path / "bundle/card.md").read_text()
    assert "intake\\_number" in card
    assert "1 column with role feature is not used: broker." in card
    assert "| broker | it is stored as a hash" in card
    details = json.loads((tmp_path / "bundle" / MANIFEST).read_bytes())["details"]
    assert list(details["unused_columns"]) == ["broker"]


def test_no_protected_or_personal_column_is_a_feature(trained: Trained, contract: Contract) -> None:
    used = {feature.column for feature in trained.evidence.spec.features}
    allowed = {column.name for column in contract.columns if column.role in (Role.FEATURE, Role.EVENT_TIME)}
    assert used <= allowed
    assert not {column.name for column in contract.columns if column.personal} & used


def test_a_candidate_that_is_worse_than_the_champion_is_refused(
    trained: Trained, changed: Changed, contract: Contract, tmp_path: Path
) -> None:
    """The candidate is trained on outcomes of which half are random."""
    boundary = trained.evidence.folds[1].first
    noisy = changed(
        f"claims.* REPLACE (CASE WHEN reported_at < '{boundary}' AND is_fraud IS NOT NULL"
        " AND hash(claim_id) % 10 < 6 THEN hash(claim_id || 'x') % 10 < 3 ELSE is_fraud END AS is_fraud)"
    )
    evidence = train(request(contract, noisy, champion=trained), settings(contract), candidates=FAST[:1])
    assert evidence.refused_because is not None
    assert "worse than the champion" in evidence.refused_because
    publish(evidence, tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    assert manifest["details"]["refused_because"] == evidence.refused_because
    assert manifest["details"]["failed_gates"] == ["champion"]


def test_a_model_that_refers_one_group_s_honest_claims_more_often_is_refused(
    trained: Trained, changed: Changed, contract: Contract
) -> None:
    """The model is trained on years in which most claims from the capital were labelled as fraud."""
    boundary = trained.evidence.folds[2].first
    unfair = changed(
        "claims.* REPLACE (CASE WHEN reported_at < '"
        + boundary
        + "' AND is_fraud IS NOT NULL AND incident_region = 'capital' THEN hash(claim_id) % 10 < 7"
        " ELSE is_fraud END AS is_fraud,"
        " CASE WHEN incident_region = 'capital' THEN 'capital' ELSE 'north' END AS policyholder_region)"
    )
    evidence = train(request(contract, unfair), settings(contract), candidates=FAST[1:])
    assert evidence.refused_because is not None
    assert "policyholder_region = capital" in evidence.refused_because


def test_a_snapshot_without_enough_outcomes_is_refused_with_a_reason(
    changed: Changed, contract: Contract
) -> None:
    few = changed("claims.* REPLACE (CASE WHEN hash(claim_id) % 50 = 0 THEN is_fraud END AS is_fraud)")
    with pytest.raises(RefusedTraining, match="claims with an outcome"):
        train(request(contract, few), settings(contract))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [
            value or "" for name, value in attributes if name in ("src", "href", "xlink:href", "action")
        ]


def test_the_card_opens_without_a_network(trained: Trained) -> None:
    text = trained.read("card.html").decode()
    page = _Page()
    page.feed(text)
    assert not {"script", "link", "img", "iframe", "object"} & page.tags
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.search(r"url\((?!#)", text)
    assert "@import" not in text
    assert 'http-equiv="Content-Security-Policy" content="default-src &#x27;none&#x27;;' in text
    assert "prefers-color-scheme: dark" in text
    for words in ("Lift by decile", "Protected groups", "Limits", "Random audit", "Permutation importance"):
        assert words in text


def test_nothing_that_a_training_writes_or_reports_names_a_person(
    trained: Trained, book: Book, contract: Contract
) -> None:
    """The snapshot of this test has every column of the file, more than a real one."""
    personal = [column.name for column in contract.columns if column.personal]
    assert len(personal) >= 6
    table = pq.read_table(book.snapshot, columns=personal)
    values = {str(value) for name in personal for value in table[name].to_pylist() if value}
    assert len(values) > 40_000
    written = {path.name: path.read_bytes() for path in trained.folder.rglob("*") if path.is_file()}
    written["report"] = "\n".join(trained.told).encode()
    assert {"card.html", "card.md", "manifest.json", "profiles.json", "features.json"} <= written.keys()
    for name, content in written.items():
        text = html.unescape(content.decode("utf-8", "replace"))
        words = set(re.findall(r"POL-\d{10}|C\d{8}\b|\S+@\S+", text))
        assert not words & values, name
        assert not [value for value in sorted(values)[::20] if len(value) > 8 and value in text], name


def card_of(evidence: Evidence) -> str:
    return as_markdown(evidence, lambda name: name).replace("\\", "")


def test_the_card_begins_with_what_to_check_before_promoting(trained: Trained) -> None:
    evidence = replace(
        trained.evidence,
        leaks={f"code_{place}": "it knows the outcome" for place in range(8)},
        warnings=[TrainingWarning("strong_feature", "days_to_settle", "it alone knows nearly all")],
    )
    _, first, *_ = card_of(evidence).split("\n## ")
    assert first.startswith("Summary\n")
    assert re.search(r"referring 5.0% of the claims, the model finds \d+.\d% \(.*\) of the frauds", first)
    assert "Judge the warning below, about days_to_settle." in first
    assert "8 columns were refused: code_0, code_1, code_2, code_3 and 4 more." in first


def test_the_card_of_a_refused_model_begins_with_the_cause_and_what_to_do(trained: Trained) -> None:
    use = Gate("use", passed=False, found="it ranks at random. Cause: too few frauds. Next step: wait")
    leak = Gate("leak", passed=False, found="ROC-AUC 0.999")
    evidence = replace(trained.evidence, gates=[use, leak], refused_because="use: it ranks at random")
    _, first, *_ = card_of(evidence).split("\n## ")
    assert first.split("\n\n")[1:5] == [
        "The model was refused and cannot be promoted.",
        "It failed the gate 'use': it ranks at random.",
        "Cause: too few frauds.",
        "Next step: wait.",
    ]
    assert "First: look at the strongest features" in first


def test_a_card_of_known_outcomes_has_no_columns_that_repeat_the_book(trained: Trained) -> None:
    assert "| Whole book | Random audit | Investigated claims only |" in card_of(trained.evidence)
    sampling = replace(trained.evidence.sampling, everything=True)
    card = card_of(replace(trained.evidence, sampling=sampling))
    assert "| Measure | Whole book |\n" in card
    nothing = [replace(each, value=None) for each in trained.evidence.evaluation.audited]
    evaluation = replace(trained.evidence.evaluation, audited=nothing)
    card = card_of(replace(trained.evidence, evaluation=evaluation))
    assert "| Measure | Whole book | Investigated claims only |\n" in card


def test_the_markdown_card_shows_only_existing_plots(trained: Trained) -> None:
    pictures = re.findall(r"!\[\w+\]\(([^)]+)\)", trained.read("card.md").decode())
    assert len(pictures) == 7
    for picture in pictures:
        assert trained.read(picture).startswith(b"\x89PNG")


@pytest.fixture
def quiet_mlflow() -> Iterator[None]:
    """Ignore warnings that MLflow's dependencies raise about each other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_runs_are_recorded_and_versions_registered_without_a_pickle(
    trained: Trained, tmp_path: Path, quiet_mlflow: None
) -> None:
    from mlflow import MlflowClient

    from training.mlflow_tracking import Tracking, record

    to = Tracking(f"sqlite:///{tmp_path}/runs.db", (tmp_path / "artifacts").as_uri())
    for expected in (1, 2):
        recorded = record(trained.evidence, trained.folder, "s3://bucket/models/motor/1", trained.sha256, to)
        assert recorded.registry_version == expected
    client = MlflowClient(to.uri)
    version = client.get_model_version("motor", "1")
    assert version.source == "s3://bucket/models/motor/1"
    assert version.tags["bundle_sha256"] == trained.sha256
    assert version.run_id is not None
    run = client.get_run(version.run_id)
    assert run.data.tags["data_sha256"] == trained.evidence.data_sha256
    assert run.data.tags["code_version"] == "abc123"
    assert run.data.metrics["roc_auc"] == pytest.approx(trained.evidence.metrics["roc_auc"])
    children = client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert {child.data.params["family"] for child in children} == {family.name for family in CANDIDATES}
    stored = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert {path.name for path in stored} >= {"model.onnx", "manifest.json", "card.html"}
    assert not [path for path in stored if path.suffix in (".pkl", ".pickle", ".joblib", ".cloudpickle")]
    client.set_registered_model_alias("motor", "champion", "2")
    assert int(client.get_model_version_by_alias("motor", "champion").version) == 2


def test_a_refused_model_is_recorded_and_not_registered(
    trained: Trained, tmp_path: Path, quiet_mlflow: None
) -> None:
    from mlflow import MlflowClient

    from training.mlflow_tracking import Tracking, record

    refused = replace(trained.evidence, refused_because="bias: too much")
    to = Tracking(f"sqlite:///{tmp_path}/runs.db", (tmp_path / "artifacts").as_uri())
    recorded = record(refused, trained.folder, "s3://bucket/models/motor/1", trained.sha256, to)
    assert recorded.registry_version is None
    assert MlflowClient(to.uri).get_run(recorded.run_id).data.tags["refused_because"] == "bias: too much"
    assert not MlflowClient(to.uri).search_registered_models()


def test_the_mlflow_project_runs_an_existing_command(tmp_path: Path) -> None:
    import yaml

    from tests.cluster import PROJECT
    from training.__main__ import _parser

    project = yaml.safe_load((PROJECT / "MLproject").read_text())
    command = project["entry_points"]["train"]["command"].split("python -m training ")[1]
    values = dict.fromkeys(project["entry_points"]["train"]["parameters"], "7")
    assert _parser().parse_args(command.format(**values).split()).seed == 7
    environment = yaml.safe_load((PROJECT / project["python_env"]).read_text())
    assert (PROJECT / "training" / environment["dependencies"][0].removeprefix("-r ")).is_file()
