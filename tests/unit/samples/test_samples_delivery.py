"""A delivery contains the configured weeks, delays, repetitions, corrections and outcomes."""

import csv
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from samples import SHAPES, BookConfig, Dirt
from samples.__main__ import app
from samples.book import CORRECTED_COLUMNS
from samples.delivery import Delivered, Delivery, deliver
from samples.outcomes import OUTCOME_NAMES
from tests.unit.samples.motor_checks import NAMES, faults, records

CONFIG = BookConfig(weeks=6, claims_per_week=1_000)
DELIVERY = Delivery(
    dirt=Dirt(0.02),
    duplicate_share=0.01,
    correction_share=0.05,
    late_weeks=frozenset({2}),
    repeated_weeks=frozenset({3}),
    shapes=("csv", "excel", "ndjson-gz"),
    settling_weeks=3,
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("book")


@pytest.fixture(scope="module")
def files(out: Path) -> list[Delivered]:
    return deliver(CONFIG, out, DELIVERY)


def table(path: Path) -> list[Mapping[str, str]]:
    with path.open(newline="") as text:
        return list(csv.DictReader(text))


def claims_of(files: list[Delivered], week: int) -> Delivered:
    (first,) = [f for f in files if f.part == "claims" and f.claims_week == week and f.repeats is None]
    return first


def test_expected_json_lists_every_file_in_the_order_of_delivery(out: Path, files: list[Delivered]) -> None:
    expected = json.loads((out / "expected.json").read_text())
    assert [entry["key"] for entry in expected["files"]] == [file.key for file in files]
    on_disk = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} - {"expected.json"}
    assert on_disk == {file.key for file in files}
    weeks = [file.delivered_in for file in files]
    assert weeks == sorted(weeks)
    assert expected["config"]["seed"] == 7


def test_late_claims_are_delivered_two_weeks_later(files: list[Delivered]) -> None:
    delivered = {week: claims_of(files, week).delivered_in for week in range(6)}
    assert delivered == {0: 0, 1: 1, 2: 4, 3: 3, 4: 4, 5: 5}


def test_a_repeated_file_has_the_same_bytes_and_another_name(out: Path, files: list[Delivered]) -> None:
    (repetition,) = [file for file in files if file.repeats]
    first = claims_of(files, 3)
    assert (repetition.repeats, repetition.delivered_in) == (first.key, first.delivered_in + 1)
    assert repetition.key != first.key
    assert (out / repetition.key).read_bytes() == (out / first.key).read_bytes()


def test_corrections_repeat_earlier_claims_with_new_values(out: Path, files: list[Delivered]) -> None:
    earlier, later = claims_of(files, 0), claims_of(files, 1)
    known = {row[0]: row for row in records(out / earlier.key, SHAPES[earlier.shape]) if not faults(row)}
    rows = records(out / later.key, SHAPES[later.shape])
    corrected = [rows[row - 1] for row in later.manifest.corrected_rows]
    assert 25 < len(corrected) < 80
    assert len(rows) == later.manifest.rows == max(later.manifest.corrected_rows)
    differing = set()
    for row in corrected:
        assert not faults(row)
        if row[0] in known:
            differing |= {
                name for name, new, old in zip(NAMES, row, known[row[0]], strict=True) if new != old
            }
    assert differing == set(CORRECTED_COLUMNS)


def test_claims_are_not_corrected_before_they_are_delivered(files: list[Delivered]) -> None:
    assert not claims_of(files, 0).manifest.corrected_rows
    assert not claims_of(files, 3).manifest.corrected_rows, "week 2 is late"


def test_a_week_does_not_depend_on_the_number_of_weeks(
    tmp_path: Path, out: Path, files: list[Delivered]
) -> None:
    deliver(BookConfig(weeks=2, claims_per_week=1_000), tmp_path, DELIVERY)
    for week in (0, 1):
        key = claims_of(files, week).key
        assert (tmp_path / key).read_bytes() == (out / key).read_bytes()
        for part in ("outcomes", "truth"):
            name = f"{part}/motor/2026-W0{2 + week}.csv"
            assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


# --- Outcomes and truth ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("year")
    deliver(
        BookConfig(weeks=12, claims_per_week=2_000), out, Delivery(settling_weeks=26), ("outcomes", "truth")
    )
    return out


@pytest.fixture(scope="module")
def outcomes(year: Path) -> list[Mapping[str, str]]:
    return [row for path in sorted(year.glob("outcomes/motor/*.csv")) for row in table(path)]


@pytest.fixture(scope="module")
def truth(year: Path) -> dict[str, Mapping[str, str]]:
    return {row["claim_id"]: row for path in year.glob("truth/motor/*.csv") for row in table(path)}


def test_outcomes_are_correct_and_unique(
    outcomes: list[Mapping[str, str]], truth: Mapping[str, Mapping[str, str]]
) -> None:
    known = [row for row in outcomes if row["claim_id"] in truth]
    assert list(outcomes[0]) == OUTCOME_NAMES
    assert len({row["claim_id"] for row in outcomes}) == len(outcomes)
    assert all(row["is_fraud"] == truth[row["claim_id"]]["is_fraud"] for row in known)
    assert 0.07 < len(known) / len(truth) < 0.18, "only investigated claims have an outcome"


def test_audits_are_a_representative_sample_and_referrals_are_not(
    outcomes: list[Mapping[str, str]], truth: Mapping[str, Mapping[str, str]]
) -> None:
    def fraud_rate(source: str) -> tuple[float, int]:
        rows = [row for row in outcomes if row["source"] == source]
        return sum(row["is_fraud"] == "true" for row in rows) / len(rows), len(rows)

    base = sum(row["is_fraud"] == "true" for row in truth.values()) / len(truth)
    audited, audits = fraud_rate("random_audit")
    referred, _ = fraud_rate("referral")
    assert audits / len(truth) == pytest.approx(0.02, abs=0.004)
    assert audited == pytest.approx(base, abs=4 * (base / audits) ** 0.5)
    assert referred > 3 * base


def test_an_outcomes_file_contains_the_decisions_of_its_week(year: Path) -> None:
    for path in sorted(year.glob("outcomes/motor/*.csv"))[1:]:
        for row in table(path):
            decided = datetime.fromisoformat(row["decided_at"]).isocalendar()
            assert f"{decided.year}-W{decided.week:02d}" == path.stem


def test_outcomes_follow_weeks_after_the_report_and_some_precede_it(tmp_path: Path) -> None:
    deliver(BookConfig(weeks=8, claims_per_week=2_000), tmp_path, Delivery(settling_weeks=26))
    reported = {
        row["claim_id"]: datetime.fromisoformat(row["reported_at"])
        for path in tmp_path.glob("claims/motor/*.csv")
        for row in table(path)
    }
    days = sorted(
        (datetime.fromisoformat(row["decided_at"]) - reported[row["claim_id"]]).days
        for path in tmp_path.glob("outcomes/motor/*.csv")
        for row in table(path)
        if row["claim_id"] in reported
    )
    assert 20 < days[len(days) // 2] < 40
    assert 60 < days[int(len(days) * 0.95)] <= 170
    early = [day for day in days if day < 0]
    assert 2 <= len(early) < 0.05 * len(days)


def test_truth_is_not_part_of_the_claims(out: Path, files: list[Delivered]) -> None:
    assert not [file for file in files if file.part == "truth" and not file.key.startswith("truth/")]
    header = (out / claims_of(files, 0).key).read_text().splitlines()[0]
    assert "probability" not in header
    assert "fraud" not in header


# --- The command line --------------------------------------------------------------------------------------


def test_the_command_line_writes_the_same_files_as_the_function(
    tmp_path: Path, out: Path, files: list[Delivered]
) -> None:
    options = "--weeks 6 --rows 1000 --late 2 --repeat 3 --settle 3"
    dirt = "--dirt 0.02 --duplicates 0.01 --corrections 0.05"
    shapes = "--shape csv --shape excel --shape ndjson-gz"
    result = CliRunner().invoke(app, ["book", "--out", str(tmp_path), *f"{options} {dirt} {shapes}".split()])
    assert result.exit_code == 0, result.output
    for file in files:
        assert (tmp_path / file.key).read_bytes() == (out / file.key).read_bytes()
    assert "20 bad" in result.output
    assert "the same bytes as" in result.output
    assert "late" in result.output


@pytest.mark.parametrize("part", ["claims", "outcomes", "truth"])
def test_each_part_can_be_written_alone(part: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [part, "--out", str(tmp_path), "--rows", "50"])
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [part]


@pytest.mark.parametrize(
    "options",
    [
        ["--shape", "papyrus"],
        ["--shape", "parquet", "--dirt", "0.1"],
        ["--start", "2026-01-06"],
        ["--dirt", "2"],
    ],
)
def test_with_invalid_options_nothing_is_written(options: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["claims", "--out", str(tmp_path), *options])
    assert result.exit_code == 2
    assert not list(tmp_path.iterdir())
