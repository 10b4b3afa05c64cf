"""A data engineer's work at the command line: drop, inspect, export, correct, drop again."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from claimwatch.domain.validation.extra_values import ExtraHashes
from claimwatch.storage import ledger
from claimwatch.storage.connection import Database
from samples import write_claims
from tests.integration.cli.conftest import Emulation, Run, answer

ROWS, BAD = 200, 10

HOME = """
apiVersion: v3.1.0
kind: DataContract
id: home
version: {version}
status: active
customProperties: [{{property: line, value: home}}]
schema:
  - name: claim_home
    physicalType: table
    properties:
      - name: claim_id
        logicalType: string
        required: true
        unique: true
        customProperties: [{{property: role, value: identifier}}]
      - name: lost_on
        logicalType: date
        required: true
        customProperties: [{{property: role, value: event_time}}]
      - name: amount
        logicalType: {amount}
        logicalTypeOptions: {{minimum: 0}}
        customProperties: [{{property: role, value: feature}}]
      - name: story
        logicalType: string
        customProperties: [{{property: role, value: text}}]
"""

LABEL = """\
      - name: fraud
        logicalType: boolean
        customProperties: [{property: role, value: label}]
"""


@pytest.fixture
def motor_file(tmp_path: Path) -> Path:
    path = tmp_path / "2026-W02.csv"
    write_claims(path, rows=ROWS, seed=7, bad_share=BAD / ROWS)
    return path


@pytest.fixture
def with_home(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "home.yaml"
    path.write_text(HOME.format(version="1.0.0", amount="number"))
    assert answer(run("contract", "put", "home", path, "--json"))["status"] == "applied"
    return path


def home_file(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "claims.csv"
    path.write_text("\n".join(["claim_id,lost_on,amount,story,agent", *rows, ""]))
    return path


# -- drop and files ------------------------------------------------------------------------------------------


def test_a_dropped_file_is_reported_and_listed(run: Run, motor_file: Path) -> None:
    dropped = answer(run("drop", motor_file, "--line", "motor", "--json"))
    assert (dropped["status"], dropped["rows_read"]) == ("committed", ROWS)
    assert dropped["rows_loaded"] + dropped["rows_quarantined"] == ROWS
    [listed] = answer(run("files", "--json"))["files"]
    assert listed == dropped
    table = run("files").stdout
    assert "claims/motor/2026-W02.csv" in table
    assert "committed" in table


def test_files_can_be_filtered_by_line_and_state(run: Run, motor_file: Path, tmp_path: Path) -> None:
    run("drop", motor_file, "--line", "motor")
    run("drop", home_file(tmp_path, "H1,2026-01-01,1,,"), "--line", "home")
    assert [file["line"] for file in answer(run("files", "--line", "home", "--json"))["files"]] == ["home"]
    parked = answer(run("files", "--status", "parked", "--json"))["files"]
    assert [(file["line"], file["status"]) for file in parked] == [("home", "parked")]
    assert len(answer(run("files", "--limit", 1, "--json"))["files"]) == 1
    assert "No files of that line or state" in run("files", "--line", "health").stderr


def test_a_refused_file_gives_exit_code_1_and_the_reason(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    result = run("drop", empty, "--line", "motor")
    assert result.exit_code == 1
    assert "refused: the file is empty" in result.stdout


def test_claims_with_their_label_are_dropped_with_outcomes(run: Run, with_home: Path, tmp_path: Path) -> None:
    source = home_file(tmp_path, "H1,2026-01-01,1,,", "H2,2026-01-01,1,,")
    none = run("drop", source, "--line", "home", "--with-outcomes")
    assert none.exit_code == 1
    assert "contract 1.0.0 of line home names no label: give the column" in none.stderr
    unknown = run("drop", source, "--line", "glass", "--with-outcomes")
    assert "line glass has no contract: draft one with `claimwatch infer" in unknown.stderr
    assert answer(run("files", "--json"))["files"] == []

    labelled = HOME.format(version="1.1.0", amount="number") + LABEL
    with_home.write_text(labelled)
    assert run("contract", "put", "home", with_home).exit_code == 0
    source.write_text(
        "claim_id,lost_on,amount,fraud\nH1,2026-01-01,1,Y\nH2,2026-01-01,1,N\nH3,2026-01-01,1,\n"
    )
    dropped = run("drop", source, "--line", "home", "--with-outcomes")
    assert dropped.exit_code == 0
    assert "It brought 2 outcomes, 1 of them fraud." in dropped.stdout
    assert "2 outcomes" in run("drop", source, "--line", "home").stdout
    found = answer(run("drop", source, "--line", "home", "--json"))
    assert (found["outcomes"], found["frauds"], found["not_due"]) == (2, 1, 0)
    today = datetime.now(UTC).date()
    source.write_text(f"claim_id,lost_on,amount,fraud\nH1,{today},1,N\nH2,2026-01-01,1,N\n")
    assert "Not due yet: 1. Trainings leave" in run("drop", source, "--line", "home").stderr

    source.write_text("claim_id,lost_on,amount\nH1,2026-01-01,1\n")
    without = run("drop", source, "--line", "home", "--with-outcomes")
    assert without.exit_code == 1
    assert "brought no outcome: the label is missing in every row" in without.stdout
    assert run("drop", source, "--line", "home", "--with-outcomes", "--outcomes").exit_code == 2


# -- quarantine ----------------------------------------------------------------------------------------------


def test_quarantined_rows_are_shown_with_every_reason(run: Run, with_home: Path, tmp_path: Path) -> None:
    source = home_file(tmp_path, "H1,2026-01-01,1,fine,", "H2,yesterday,-5,two,", "H3,2026-01-01")
    run("drop", source, "--line", "home")
    result = answer(run("quarantine", 1, "--json"))
    assert (result["status"], result["rows_quarantined"]) == ("committed", 2)
    first, second = result["rows"]
    assert (first["row_number"], first["raw"]) == (2, "H2,yesterday,-5,two,")
    assert [(reason["column"], reason["rule"], reason["message"]) for reason in first["reasons"]] == [
        (
            "lost_on",
            "type",
            (
                "a value like 'aaaaaaaaa' is not a date (YYYY-MM-DD): "
                "if it is one, name its format in dateFormat"
            ),
        ),
        ("amount", "minimum", "a value like '-9' is below the minimum 0"),
    ]
    assert second["reasons"][0]["rule"] == "fields"
    table = run("quarantine", 1).stdout
    assert "lost_on: a value like" in table
    assert "amount: a value like" in table
    assert "␊" not in table  # each reason has a line of its own
    assert "the row has 2 fields instead of 5" in table
    counted = answer(run("quarantine", 1, "--reasons", "--json"))["reasons"]
    assert {(reason["column"], reason["rule"], reason["rows"]) for reason in counted} == {
        ("lost_on", "type", 1),
        ("amount", "minimum", 1),
        (None, "fields", 1),
    }


def test_a_row_cannot_send_control_characters_to_the_terminal(
    run: Run, with_home: Path, tmp_path: Path
) -> None:
    run("drop", home_file(tmp_path, "H1,no date,1,\x1b[2J[red]story,"), "--line", "home")
    table = run("quarantine", 1).stdout
    assert "\x1b" not in table
    assert "␛[2J[red]story" in table


def test_limit_restricts_the_shown_rows(run: Run, motor_file: Path) -> None:
    run("drop", motor_file, "--line", "motor")
    total = answer(run("quarantine", 1, "--json"))["rows_quarantined"]
    assert len(answer(run("quarantine", 1, "--json", "--limit", 2))["rows"]) == 2
    assert f"{total - 2} rows more" in run("quarantine", 1, "--limit", 2).stderr
    assert "more" not in run("quarantine", 1, "--limit", 0).stderr


def test_an_unknown_file_is_an_error_and_an_empty_quarantine_is_not(
    run: Run, with_home: Path, tmp_path: Path
) -> None:
    unknown = run("quarantine", 99)
    assert unknown.exit_code == 1
    assert "`claimwatch files` lists" in unknown.stderr
    run("drop", home_file(tmp_path, "H1,2026-01-01,1,,"), "--line", "home")
    clean = run("quarantine", 1)
    assert clean.exit_code == 0
    assert "File 1 has no quarantined rows" in clean.stderr
    assert run("quarantine", 1, "--export", tmp_path / "x.csv").exit_code == 1
    assert not (tmp_path / "x.csv").exists()


def test_exported_rows_can_be_corrected_and_loaded(
    run: Run, database: Database, with_home: Path, tmp_path: Path
) -> None:
    source = home_file(
        tmp_path,
        "H1,2026-01-01,1,fine,",
        'H2,yesterday,2,"said ""no"", and left",Ann',
        "H3,2026-01-03,-3,+49 171 2345,",
        "H4,2026-01-04",
    )
    run("drop", source, "--line", "home")
    fixed = tmp_path / "fixed.csv"
    result = answer(run("quarantine", 1, "--export", fixed, "--json"))
    assert (result["rows"], result["rows_apart"], result["guarded_cells"]) == (2, 1, 0)
    reasons = csv.DictReader(io.StringIO((tmp_path / "fixed.reasons.csv").read_text(), newline=""))
    assert [row["raw"] for row in reasons if not row["exported_row"]] == ["H4,2026-01-04"]
    fixed.write_text(fixed.read_text().replace("yesterday", "2026-01-02").replace(",-3,", ",3,"))
    again = answer(run("drop", fixed, "--line", "home", "--json"))
    assert (again["rows_loaded"], again["rows_quarantined"]) == (2, 0)
    with database.transaction() as cursor:
        cursor.execute(
            "SELECT claim_id, lost_on::text, amount, story, extra FROM current_claim_home ORDER BY claim_id"
        )
        assert cursor.fetchall() == [
            ("H1", "2026-01-01", 1, "fine", None),
            ("H2", "2026-01-02", 2, 'said "no", and left', ExtraHashes(b"key").of_members({"agent": "Ann"})),
            ("H3", "2026-01-03", 3, "+49 171 2345", None),
        ]


def test_ndjson_is_exported_as_ndjson(run: Run, with_home: Path, tmp_path: Path) -> None:
    source, fixed = tmp_path / "claims.ndjson", tmp_path / "fixed.ndjson"
    source.write_text('{"claim_id": "H1", "lost_on": "2026-01-01"}\n{"claim_id": "H2", "lost_on": "soon"}\n')
    run("drop", source, "--line", "home")
    assert answer(run("quarantine", 1, "--export", fixed, "--json"))["rows"] == 1
    fixed.write_text(fixed.read_text().replace("soon", "2026-01-02"))
    assert answer(run("drop", fixed, "--line", "home", "--json"))["rows_loaded"] == 1


# -- replay --------------------------------------------------------------------------------------------------


def test_a_replay_loads_a_failed_file(run: Run, database: Database, motor_file: Path) -> None:
    run("drop", motor_file, "--line", "motor")
    with database.transaction() as cursor:
        cursor.execute("UPDATE file SET status = 'failed', committed_at = NULL, error = 'a fault'")
    result = answer(run("replay", 1, "--json"))
    assert result["attempt"] == 2
    with database.transaction() as cursor:
        assert ledger.get(cursor, 1).status == "committed"


def test_committed_and_unknown_files_are_not_replayed(run: Run, motor_file: Path) -> None:
    run("drop", motor_file, "--line", "motor")
    committed = run("replay", 1)
    assert committed.exit_code == 1
    assert "drop a corrected file" in committed.stderr
    assert run("replay", 2).exit_code == 1


# -- contract put --------------------------------------------------------------------------------------------


def test_applying_a_contract_loads_the_waiting_files(run: Run, tmp_path: Path) -> None:
    parked = run("drop", home_file(tmp_path, "H1,2026-01-01,1,,"), "--line", "home")
    assert parked.exit_code == 1
    assert "home has no contract" in parked.stdout
    path = tmp_path / "home.yaml"
    path.write_text(HOME.format(version="1.0.0", amount="number"))
    assert "is applied" in run("contract", "put", "home", path).stdout
    [file] = answer(run("files", "--json"))["files"]
    assert (file["status"], file["rows_loaded"]) == ("committed", 1)


def test_an_identity_that_may_not_write_contracts_is_told_what_it_needs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "PutObject")

    monkeypatch.setattr(Emulation, "write", denied)
    path = tmp_path / "home.yaml"
    path.write_text(HOME.format(version="1.0.0", amount="number"))

    result = run("contract", "put", "home", path)

    assert result.exit_code == 3
    assert "claimwatch-duty=contracts" in result.stderr.replace("\n", " ")


def test_an_impossible_change_is_refused_with_the_column(run: Run, with_home: Path) -> None:
    with_home.write_text(HOME.format(version="1.1.0", amount="date").replace("{minimum: 0}", "{}"))
    result = run("contract", "put", "home", with_home)
    assert result.exit_code == 1
    assert "amount" in result.stderr
    assert json.loads(run("contract", "put", "home", with_home, "--json").stdout)["problems"]
