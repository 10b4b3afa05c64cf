"""The command line prints sentences, or JSON on request, and returns documented exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from claimwatch.errors import TransientFault
from cli.main import app
from cli.stack import Stack, StackUnreachable

PROJECT = Path(__file__).resolve().parents[3]
MOTOR = PROJECT / "contracts" / "motor.yaml"
COMMANDS = (
    ["infer"],
    ["drop"],
    ["files"],
    ["quarantine"],
    ["replay"],
    ["image"],
    ["images"],
    ["contract", "check"],
    ["contract", "put"],
    ["evaluate"],
    ["evaluations"],
    ["report"],
    ["card"],
    ["deploy", "status"],
    ["deploy", "rollback"],
)


def run(*arguments: str, error: Exception | None = None) -> Result:
    def no_stack(name: str | None) -> Stack:
        raise error or AssertionError("no stack is needed here")

    return CliRunner().invoke(app, arguments, obj=no_stack, catch_exceptions=False)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_json(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_without_arguments_it_lists_the_commands() -> None:
    result = run()
    assert all(command[0] in result.output for command in COMMANDS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StackUnreachable("start it with `make up`"), 3),
        (TransientFault("PostgreSQL broke off"), 3),
    ],
)
def test_an_unreachable_stack_is_reported_with_exit_code_3(error: Exception, code: int) -> None:
    result = run("files", error=error)
    assert (result.exit_code, result.stdout) == (code, "")
    assert str(error) in result.stderr


def test_with_json_an_error_is_a_document() -> None:
    result = run("files", "--json", error=StackUnreachable("start it with `make up`"))
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"] == "start it with `make up`"


def test_wrong_usage_gives_exit_code_2() -> None:
    assert run("files", "--limit", "none").exit_code == 2
    assert run("quarantine", "1", "--reasons", "--export", "x.csv").exit_code == 2
    assert run("infer", "no-such-file.csv").exit_code == 2
    assert run("promote", "motor", "1", "--as", "owner", "--why", "w").exit_code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", "../motor", "1", "--as", "champion", "--why", "w"),
        ("rollback", "Motor", "--why", "w"),
        ("train", "a/b", "--why", "w"),
        ("evaluate", "image"),
        ("protect-extra", "x" * 41),
        ("drop", str(MOTOR), "--line", "Jane Smith"),
        ("infer", str(MOTOR), "--line", "Jane Smith"),
        ("files", "--line", "Motor"),
        ("contract", "put", "Motor", str(MOTOR)),
        ("contract", "check", str(MOTOR), "--line", "Motor"),
    ],
    ids=" ".join,
)
def test_a_name_that_no_line_can_have_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "is not a valid name of a line" in " ".join(result.stderr.replace("│", "").split())


@pytest.mark.parametrize(
    ("written", "proposed"),
    [
        ("Auto", "auto"),
        ("Car Insurance", "car_insurance"),
        ("Fälle-Kfz", "falle_kfz"),
        ("2026 claims", "line_2026_claims"),
        ("image", "line_image"),
        ("保険", "line"),
        ("A" * 60, "a" * 40),
    ],
)
def test_a_name_of_a_line_that_is_allowed_is_proposed(written: str, proposed: str, tmp_path: Path) -> None:
    result = run("drop", str(MOTOR), "--line", written)
    assert f"write {proposed}, for example" in " ".join(result.stderr.replace("│", "").split())
    source = tmp_path / f"{written}.csv"
    source.write_text(CLAIMS)
    assert json.loads(run("infer", str(source), "--json").stdout)["line"] == proposed


def test_the_help_of_promote_names_the_roles() -> None:
    assert "champion|challenger" in run("promote", "--help").stdout


# -- contract check ------------------------------------------------------------------------------------------


def test_a_valid_contract_is_described() -> None:
    result = run("contract", "check", str(MOTOR), "--json")
    assert result.exit_code == 0
    described = json.loads(result.stdout)
    assert (described["line"], described["version"]) == ("motor", "1.1.0")
    by_name = {column["name"]: column for column in described["columns"]}
    assert by_name["claim_id"]["role"] == "identifier"
    assert by_name["policyholder_name"]["stored_as"] == "keyed hash"
    assert by_name["policyholder_name"]["link_on"] is True
    assert by_name["claim_amount"]["what_if"] is True
    assert by_name["vehicle_make"]["group"] == "Vehicle"
    assert (described["review_within_days"], described["second_look_above"]) == (14, 20_000)
    assert "other" in described["grounds"]


def test_a_hashed_column_with_role_feature_is_named_because_no_model_uses_it(tmp_path: Path) -> None:
    assert json.loads(run("contract", "check", str(MOTOR), "--json").stdout)["unused_features"] == {}
    hashed = tmp_path / "motor.yaml"
    name = "- name: vehicle_make\n"
    contract = MOTOR.read_text()
    start = contract.index(name)
    column = contract[start:].replace(
        "customProperties: [", "customProperties: [{property: storeAs, value: hash}, ", 1
    )
    hashed.write_text(contract[:start] + column)
    result = run("contract", "check", str(hashed))
    assert result.exit_code == 0
    assert "Column 'vehicle_make' has role feature and is never used: it is stored as a hash" in result.stderr
    described = json.loads(run("contract", "check", str(hashed), "--json").stdout)
    assert list(described["unused_features"]) == ["vehicle_make"]


def test_each_problem_of_a_contract_is_on_its_own_line(tmp_path: Path) -> None:
    broken = tmp_path / "motor.yaml"
    text = MOTOR.read_text().replace("logicalType: integer", "logicalType: int", 1)
    broken.write_text(text.replace("role, value: identifier", "role, value: identity"))
    result = run("contract", "check", str(broken))
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert any("role 'identity' is unknown" in line for line in lines)
    assert any("logicalType 'int'" in line for line in lines)
    assert json.loads(run("contract", "check", str(broken), "--json").stdout)["problems"] == lines


def test_a_contract_is_checked_for_the_line_named_in_it(tmp_path: Path) -> None:
    elsewhere = tmp_path / "downloaded.yaml"
    elsewhere.write_text(MOTOR.read_text())
    assert run("contract", "check", str(elsewhere)).exit_code == 0
    result = run("contract", "check", str(elsewhere), "--line", "home")
    assert result.exit_code == 1
    assert "line is 'motor'" in result.stderr


def test_an_invalid_contract_is_not_stored(tmp_path: Path) -> None:
    broken = tmp_path / "home.yaml"
    broken.write_text("schema: []")
    assert run("contract", "put", "home", str(broken)).exit_code == 1


def test_a_contract_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "home.yaml"
    broken.write_bytes(b"name: caf\xe9")
    result = run("contract", "check", str(broken))
    assert result.exit_code == 1
    assert "save it as UTF-8" in result.stderr


# -- infer ---------------------------------------------------------------------------------------------------

CLAIMS = "claim_no,loss_date,amount,note\n" + "".join(
    f"C{number:05},2026-01-{number % 28 + 1:02},{number * 10},hit\n" for number in range(200)
)


def test_infer_drafts_all_columns_and_marks_what_to_check(tmp_path: Path) -> None:
    source = tmp_path / "Home Claims.csv"
    source.write_text(CLAIMS)
    result = run("infer", str(source))
    assert result.exit_code == 0
    assert "value: home_claims" in result.stdout
    assert all(name in result.stdout for name in ("claim_no", "loss_date", "amount", "note"))
    assert "check:" in result.stdout
    assert "claimwatch contract put home_claims" in result.stderr


def test_an_inferred_contract_of_plain_claims_is_valid(tmp_path: Path) -> None:
    source, draft = tmp_path / "claims.csv", tmp_path / "home.yaml"
    source.write_text(CLAIMS)
    result = run("infer", str(source), "--line", "home", "-o", str(draft))
    assert result.exit_code == 0
    checked = run("contract", "check", str(draft))
    assert checked.exit_code == 0
    assert "It cannot be applied as it is: status is 'draft'" in checked.stderr


def test_a_draft_is_not_stored_as_a_contract(tmp_path: Path) -> None:
    source, draft = tmp_path / "claims.csv", tmp_path / "home.yaml"
    source.write_text(CLAIMS)
    run("infer", str(source), "--line", "home", "-o", str(draft))
    result = run("contract", "put", "home", str(draft))
    assert result.exit_code == 1
    assert "write 'status: active' and submit it again" in result.stderr


def test_infer_says_which_column_may_be_the_label_and_that_no_date_is_the_event_time(tmp_path: Path) -> None:
    source = tmp_path / "claims.csv"
    words = ("Paid", "Denied - fraud", "Open")
    rows = [f"C{row:03},3rd Jan 2024,{words[row % 3]}" for row in range(60)]
    source.write_text("\n".join(["claim_no,date of loss,status", *rows, ""]))
    printed = " ".join(run("infer", str(source)).stderr.split())
    assert "Label: none found; it may be 'status', whose check line says how." in printed
    assert "Event time: none found. Give role event_time to a date" in printed
    source.write_text(CLAIMS)
    assert "Event time" not in run("infer", str(source)).stderr


def test_infer_says_which_column_is_the_label(tmp_path: Path) -> None:
    source = tmp_path / "claims.csv"
    source.write_text(CLAIMS)
    assert "Label: none found." in run("infer", str(source)).stderr
    rows = (f"{row},{'YN'[number % 4 > 0]}" for number, row in enumerate(CLAIMS.splitlines()[1:]))
    source.write_text("\n".join(["claim_no,loss_date,amount,note,is fraud", *rows, ""]))
    assert "Label: is fraud. Files with it bring outcomes" in run("infer", str(source)).stderr
    assert json.loads(run("infer", str(source), "--json").stdout)["label"] == "is fraud"


def test_infer_says_how_many_columns_are_personal(tmp_path: Path) -> None:
    source = tmp_path / "claims.csv"
    source.write_text(
        "claim_no,driver_name,tel\n" + "".join(f"C{n},Ann Roe,555-01{n:02}\n" for n in range(9))
    )
    result = run("infer", str(source), "--line", "home")
    assert "Personal, so stored as hashes: 2 columns." in result.stderr
    assert json.loads(run("infer", str(source), "--line", "home", "--json").stdout)["personal"] == 2


def test_infer_reads_the_formats_of_the_pipeline(tmp_path: Path) -> None:
    source = tmp_path / "claims.csv"
    source.write_bytes(CLAIMS.replace("hit", "Stoß", 50).replace(",", ";").encode("latin-1"))
    described = json.loads(run("infer", str(source), "--line", "home", "--json").stdout)
    assert described["format"] == "csv, latin-1, semicolon"
    assert described["to_check"] > 0
    assert described["contract"].startswith(("#", "apiVersion"))


def test_infer_refuses_a_file_that_is_not_a_table(tmp_path: Path) -> None:
    source = tmp_path / "claims.pdf"
    source.write_bytes(b"%PDF-1.7 ...")
    result = run("infer", str(source))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "PDF" in result.stderr


def test_infer_overwrites_no_file(tmp_path: Path) -> None:
    source, draft = tmp_path / "claims.csv", tmp_path / "home.yaml"
    source.write_text(CLAIMS)
    draft.write_text("corrected")
    assert run("infer", str(source), "-o", str(draft)).exit_code == 1
    assert draft.read_text() == "corrected"
