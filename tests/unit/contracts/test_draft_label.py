"""A draft proposes the label by its name and values, and asks in doubt."""

import random
import re

import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.contract.label import label_problems
from claimwatch.domain.contract.parse import parse_contract
from tests.unit.contracts.test_draft_accepts_its_sample import refused

ROWS = 60


def drafted(**columns: list[str]) -> tuple[str, Contract]:
    """Return the draft, and the contract in it, of a file with a claim id, a date, an amount and columns."""
    size = len(next(iter(columns.values())))
    header = ["claim_id", "loss_date", "amount", *columns]
    rows = [
        [f"C{row:04}", f"2025-{row % 12 + 1:02}-{row % 27 + 1:02}", f"{row * 37 % 901}.5"]
        + [values[row] for values in columns.values()]
        for row in range(size)
    ]
    text = draft_contract("home", header, rows)
    return text, parse_contract(text, "home")


def mixed(fraud: str, honest: str, *others: str, seed: int = 1) -> list[str]:
    """Return a column of a book: an eighth are frauds, and other values are as frequent."""
    values = [fraud, *others] * (ROWS // 8) + [honest] * ROWS
    values = values[:ROWS]
    random.Random(seed).shuffle(values)
    return values


def column(contract: Contract, name: str) -> Column:
    found = contract.column(name)
    assert found is not None
    return found


def checks(text: str, name: str) -> str:
    """Return the part of the draft about a column."""
    return re.split(rf'- name: "?{name}"?\n', text)[1].partition("\n\n")[0]


@pytest.mark.parametrize(
    ("name", "fraud", "honest", "words"),
    [
        ("fraud_reported", "Y", "N", ((), ())),
        ("is_fraud", "1", "0", ((), ())),
        ("isFraud", "1.0", "0.0", ((), ())),
        ("FraudFound_P", "1", "0", ((), ())),
        ("FRAUD", "True", "False", ((), ())),
        ("Betrug", "ja", "nein", (("ja",), ("nein",))),
        ("fraude_confirmée", "oui", "non", (("oui",), ("non",))),
        ("fraude", "sí", "no", (("sí",), ())),
        ("frode_accertata", "vero", "falso", (("vero",), ("falso",))),
        ("class", "Fraud", "Legit", (("Fraud",), ("Legit",))),
        ("status", "fraudulent", "genuine", (("fraudulent",), ("genuine",))),
        ("ergebnis", "Betrug", "kein Betrug", (("Betrug",), ("kein Betrug",))),
        ("resultat", "fraude", "pas de fraude", (("fraude",), ("pas de fraude",))),
        ("esito", "frode", "legittimo", (("frode",), ("legittimo",))),
        ("uitkomst", "fraude", "geen fraude", (("fraude",), ("geen fraude",))),
        ("verdict", "Fraud", "Settled", (("Fraud",), ("Settled",))),
        ("outcome", "Fraude avérée", "Normal", (("Fraude avérée",), ("Normal",))),
        ("outcome", "Suspected fraud", "Non-fraud", (("Suspected fraud",), ("Non-fraud",))),
        ("is_legit", "0", "1", (("0",), ("1",))),
        ("not_fraud", "N", "Y", (("N",), ("Y",))),
        ("class", "1", "0", ((), ())),
        ("label", "yes", "no", ((), ())),
    ],
)
def test_the_label_is_found_with_the_words_for_fraud(
    name: str, fraud: str, honest: str, words: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    text, contract = drafted(**{name: mixed(fraud, honest)})
    label = contract.label
    assert label is not None
    folded = tuple(tuple(word.casefold() for word in each) for each in words)
    assert (label.name, label.true_words, label.false_words) == (name, *folded)
    assert f"# check: the label is a guess: '{fraud}' means fraud (7 of 60 rows)" in text
    assert not label.required
    assert contract.review.decision_days == 60


@pytest.mark.parametrize("name", ["class", "label", "target", "y"])
def test_a_name_that_may_mean_anything_is_said_to_be_one(name: str) -> None:
    text, contract = drafted(**{name: mixed("1", "0")})
    assert contract.label is not None
    assert "check: its name may mean anything: if it is not the label" in checks(text, name)


@pytest.mark.parametrize("undecided", ["pending", "Unknown", "under investigation", "offen", "en cours", ""])
def test_claims_that_nobody_decided_have_no_label(undecided: str) -> None:
    text, contract = drafted(fraud=mixed("Fraud", "Legit", undecided))
    label = contract.label
    assert label is not None
    assert label.missing_values == ((undecided,) if undecided else ())
    assert "check: 7 of 60 rows have no label; no outcome is made of them" in checks(text, "fraud")


@pytest.mark.parametrize(
    ("name", "values", "question"),
    [
        ("fraud_flag", ("1", "2"), "which value means fraud is not known"),
        ("fraud_score", ("0.93", "0.11", "0.27"), "may be known only after the decision"),
        ("fraud_type", ("staged", "none", "inflated"), "may be known only after the decision"),
        ("fraud_alert", ("Y", "N"), "may be known only after the decision"),
        ("detail", ("fraud by Jane Doe", "no"), "a value says fraud, so this may contain the outcome"),
        ("fraud_by", ("fraud by Jane Doe", "no"), "which value means fraud is not known"),
        ("claim_status", ("fraud", "paid", "denied"), "a value says fraud, so this may contain the outcome"),
    ],
)
def test_a_column_in_doubt_is_left_out_of_models_and_asked_about(
    name: str, values: tuple[str, ...], question: str
) -> None:
    text, contract = drafted(**{name: mixed(*values)})
    assert contract.label is None
    assert column(contract, name).role is Role.IGNORED
    assert question in checks(text, name)
    assert "# No column looks like the label" in text
    assert "Jane" not in text


def test_a_status_that_is_sometimes_fraud_may_be_the_label_and_its_closing_is_no_feature() -> None:
    dates = [f"2026-02-{row % 28 + 1:02}" for row in range(ROWS)]
    status = mixed("Denied - fraud", "Paid", "Open")
    text, contract = drafted(Status=status, closed_date=dates)
    assert "# check: it may be 'Status'\n" in text
    assert "trueValues with the values for fraud" in checks(text, "Status")
    assert contract.label is None
    assert column(contract, "closed_date").role is Role.IGNORED
    assert "not known when the claim arrives" in checks(text, "closed_date")
    text, contract = drafted(closed_date=dates)
    assert column(contract, "closed_date").role is Role.FEATURE
    assert "it may be" not in text


def test_a_second_label_is_no_feature() -> None:
    text, contract = drafted(fraud_reported=mixed("Y", "N"), fraud_confirmed=mixed("1", "0", "", seed=2))
    assert contract.label is not None
    assert contract.label.name == "fraud_reported"
    assert column(contract, "fraud_confirmed").role is Role.IGNORED
    assert "may be the label, too, but 'fraud_reported' is taken" in checks(text, "fraud_confirmed")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("previous_fraud", mixed("1", "0")),
        ("anzahl_frueherer_betrug", mixed("1", "0")),
        ("police_report", mixed("YES", "NO")),
        ("vehicle_class", mixed("1", "0")),
        ("behaviour", mixed("suspicious", "normal")),
        ("validity", mixed("expired", "valid")),
        ("sinistre_corporel", mixed("oui", "non")),
        ("status", mixed("open", "closed")),
    ],
)
def test_an_honest_feature_is_no_label(name: str, values: list[str]) -> None:
    text, contract = drafted(**{name: values})
    assert contract.label is None
    assert column(contract, name).role is Role.FEATURE
    assert "label is a guess" not in text


@pytest.mark.parametrize("name", ["closed_on", "decision_date", "Entscheidungsdatum", "fecha_cierre"])
def test_the_date_of_the_decision_is_found_and_is_no_feature(name: str) -> None:
    dates = [f"2025-{month:02}-28" for month in range(1, 13)] * 5
    text, contract = drafted(fraud=mixed("Y", "N"), **{name: dates})
    assert (contract.review.decision_column, contract.review.decision_days) == (name, None)
    assert (column(contract, name).role, column(contract, name).required) == (Role.IGNORED, False)
    assert "check: the date of the decision is a guess" in checks(text, name)


def test_the_likeliest_of_several_dates_of_decisions_is_taken() -> None:
    dates = [f"2025-{month:02}-28" for month in range(1, 13)] * 5
    _, contract = drafted(fraud=mixed("Y", "N"), closed_on=dates, decided_on=dates, policy_closed_on=dates)
    assert contract.review.decision_column == "decided_on"
    assert column(contract, "closed_on").role is Role.IGNORED
    assert column(contract, "policy_closed_on").role is Role.FEATURE


def test_without_a_label_a_draft_names_no_decision() -> None:
    dates = [f"2025-{month:02}-28" for month in range(1, 13)] * 5
    text, contract = drafted(closed_on=dates)
    assert contract.review.decision_column is None
    assert "decisionDays" not in text


def test_a_file_in_which_nothing_was_fraud_still_has_its_label() -> None:
    text, contract = drafted(fraud=["N"] * ROWS)
    assert contract.label is not None
    assert contract.label.logical_type is LogicalType.BOOLEAN
    assert "check: all claims of the sample have the same label" in checks(text, "fraud")


NAMES = ("fraud", "is_fraud", "fraud type", "Class", "status", "Betrug?", "not fraud", "prior_fraud", "frode")
WORDS = (
    *("Y", "N", "yes", "no", "1", "0", "1.0", "0.0", "2", "-1", "T", "F", "Fraud", "FRAUD", "fraud "),
    *("Legit", "not fraud", "pending", "Pending", "open", "unknown", "none", "", "?", "NA", "paid"),
    *("kein Betrug", "frode", "suspicious", "normal", "fraud by Jane Doe", "2025-01-02", "true", "False"),
    *("ja", "nein", "fraude avérée"),
)


@pytest.mark.parametrize("seed", range(15))
def test_any_columns_about_fraud_make_a_draft_that_loads_its_file(seed: int) -> None:
    draw = random.Random(seed)
    names = draw.sample(NAMES, draw.randint(1, 4))
    words = {name: draw.sample(WORDS, draw.choice([1, 2, 2, 2, 3, 5])) for name in names}
    header = ["claim_id", "loss_date", *names]
    rows = [
        [f"C{row:04}", f"2025-{row % 12 + 1:02}-11", *(draw.choice(words[name]) for name in names)]
        for row in range(draw.choice([5, 40, 90]))
    ]
    assert refused(header, rows) == []
    text = draft_contract("home", header, rows)
    assert "Jane" not in text
    labels = [column for column in parse_contract(text, "home").columns if column.role is Role.LABEL]
    assert len(labels) <= 1
    assert list(label_problems(parse_contract(text, "home"))) == []
    for found in parse_contract(text, "home").columns:
        about_fraud = any(word in found.name.lower() for word in ("fraud", "frod", "betrug"))
        assert found.role is not Role.FEATURE or not about_fraud or found.name == "prior_fraud"
