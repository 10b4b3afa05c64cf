"""The walk of a stranger: from a raw labelled file to a live model and its first weekly checks.

Every step is the product's own, on PostgreSQL, and no step is by hand: the draft of the contract is applied
as it is but for its status. If the product warns of columns, or names one in a refusal, the walk does what
it says: it ignores these columns in a new version of the contract and trains again. Warnings that are not
about a feature are answered at promotion.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import yaml

from benchmarks.first_model.book import Book
from claimwatch.aws.objects import ObjectMissing
from tests.integration.field.model_line import ModelLine
from tests.integration.ingest.environment import ARTIFACTS, Row, Site

WEEKS = ("2026-W45", "2026-W46", "2026-W47")
"""The weeks that are checked, the last one with its claims."""

MOST_TRAININGS = 3


@dataclass
class Verdict:
    """What the product said about a book.

    ``refused_columns``, ``warnings`` and ``refusals`` are those of all trainings of the walk, ``alarms`` the
    check, metric and feature of each alarm by week. ``lift`` is that of the live model's top decile of the
    later claims, ``possible`` that of the best possible model; nan if no model could be promoted.
    """

    problems: list[str] = field(default_factory=list)
    trainings: int = 0
    refused_columns: dict[str, str] = field(default_factory=dict)
    warnings: list[dict[str, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    alarms: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    lift: float = float("nan")
    possible: float = float("nan")

    @property
    def share(self) -> float:
        """The share of the possible lift that the live model reaches."""
        return self.lift / self.possible

    @property
    def warned(self) -> set[str]:
        """The columns of warnings."""
        return {warning["column"] for warning in self.warnings}


def walk(site: Site, line: str, book: Book) -> Verdict:
    """Bring a book to a new line, and return what the product made of it."""
    verdict = Verdict()
    made = ModelLine(site, line, {"history.csv": book.history, "later.csv": book.later})
    parked = made.drop("history.csv")
    contract = activated(site.draft(line))
    applied = site.put_contract(line, contract)
    if applied.status != "applied":
        verdict.problems.append(f"the draft is {applied.status}: {'; '.join(applied.notes)}")
        return verdict
    loaded = site.file(parked["file_id"])
    if loaded["rows_loaded"] != book.recipe.claims:
        verdict.problems.append(f"{loaded['rows_loaded']} of {book.recipe.claims} claims are loaded")
    version = _trained(made, contract, verdict)
    if version is None:
        return verdict
    asking = {each["column"] for each in _details(made, version)["warnings"] if each["kind"] != "proxy"}
    made.promote(version, tuple(sorted(asking)))
    made.drop("later.csv")
    made.score()
    made.evaluate(*WEEKS)
    verdict.alarms = {week: sorted(_alarms(made, week)) for week in WEEKS}
    verdict.lift, verdict.possible = _lifts(made, book)
    return verdict


def activated(draft: str) -> str:
    """Return a draft as a contract that may be applied."""
    return draft.replace("status: draft", "status: active", 1)


def without(contract: str, columns: set[str]) -> str:
    """Return the next version of a contract, in which these columns are ignored."""
    read = yaml.load(contract, yaml.CSafeLoader)  # samcli changes what SafeLoader makes of a mapping
    major, minor, patch = read["version"].split(".")
    read["version"] = f"{major}.{int(minor) + 1}.{patch}"
    for each in read["schema"][0]["properties"]:
        if each["name"] in columns:
            kept = [entry for entry in each.get("customProperties", []) if entry["property"] != "role"]
            each["customProperties"] = [*kept, {"property": "role", "value": "ignored"}]
    return yaml.safe_dump(read, sort_keys=False, allow_unicode=True)


def _trained(line: ModelLine, contract: str, verdict: Verdict) -> str | None:
    """Train until nothing is left to mend; return the version of the model that may be promoted."""
    while verdict.trainings < MOST_TRAININGS:
        training = line.train()
        verdict.trainings += 1
        found = _details(line, training["version"])
        verdict.refused_columns |= found.get("refused_columns", {})
        verdict.warnings += found.get("warnings", [])
        if training["error"]:
            verdict.refusals.append(training["error"])
        if training["status"] not in ("registered", "refused"):
            verdict.problems.append(f"the training {training['status']}: {training['error']}")
            return None
        named = _to_ignore(contract, found, training)
        if not named:
            return str(training["version"]) if training["status"] == "registered" else None
        contract = without(contract, named)
        assert line.site.put_contract(line.line, contract).status == "applied"
    return None


def _to_ignore(contract: str, found: dict[str, Any], training: Row) -> set[str]:
    """Return the columns that the product names as doubtful: those of warnings, or of a refusal."""
    features = {
        each["name"]
        for each in yaml.safe_load(contract)["schema"][0]["properties"]
        if not _role(each) or _role(each) == "feature"
    }
    named = {warning["column"] for warning in found.get("warnings", [])}
    if training["status"] == "refused":
        named |= set(re.findall(r"'([^']+)'", training["error"] or ""))
    return named & features


def _role(column: dict[str, Any]) -> str | None:
    listed = column.get("customProperties", [])
    return next((entry["value"] for entry in listed if entry["property"] == "role"), None)


def _details(line: ModelLine, version: str) -> dict[str, Any]:
    """Return the details of a model; nothing if the training was refused before there was one."""
    try:
        manifest = line.site.objects.newest(ARTIFACTS, f"models/{line.line}/{version}/manifest.json")
    except ObjectMissing:
        return {}
    details: dict[str, Any] = json.loads(manifest)["details"]
    return details


def _alarms(line: ModelLine, week: str) -> set[tuple[str, str, str]]:
    checks = line.site.query("SELECT DISTINCT check_name FROM claimwatch.evaluation")
    return line.loud(week, *(row["check_name"] for row in checks))


def _lifts(line: ModelLine, book: Book) -> tuple[float, float]:
    """Return the lift of the top decile of the later claims, by the model and by the truth."""
    rows = line.site.query(
        "SELECT claim_id, probability FROM claimwatch.score WHERE line = %s AND claim_id = ANY (%s)",
        line.line,
        list(book.probability),
    )
    truth = np.array([book.probability[row["claim_id"]] for row in rows])
    found = np.array([row["probability"] for row in rows])
    return _lift(truth, found), _lift(truth, truth)


def _lift(truth: np.ndarray, ranking: np.ndarray) -> float:
    top = np.argsort(-ranking, kind="stable")[: max(len(truth) // 10, 1)]
    return float(truth[top].mean() / truth.mean())
