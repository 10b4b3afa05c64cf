"""The command line answers in sentences, in JSON when asked, and with the exit code that it documents."""

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
)


def run(*arguments: str, error: Exception | None = None) -> Result:
    def no_stack(name: str | None) -> Stack:
        raise error or AssertionError("no stack is needed here")

    return CliRunner().invoke(app, arguments, obj=no_stack, catch_exceptions=False)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_offers_json(command: list[str]) -> None:
    told = run(*command, "--help")
    assert told.exit_code == 0
    assert "--json" in told.stdout


def test_without_arguments_it_tells_what_there_is() -> None:
    told = run()
    assert all(command[0] in told.output for command in COMMANDS)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StackUnreachable("start it with `make up`"), 3),
        (TransientFault("PostgreSQL broke off"), 3),
    ],
)
def test_an_unreachable_stack_ends_with_3_and_a_sentence(error: Exception, code: int) -> None:
    told = run("files", error=error)
    assert (told.exit_code, told.stdout) == (code, "")
    assert str(error) in told.stderr


def test_with_json_an_error_is_a_document_too() -> None:
    told = run("files", "--json", error=StackUnreachable("start it with `make up`"))
    assert told.exit_code == 3
    assert json.loads(told.stdout)["error"] == "start it with `make up`"


def test_wrong_usage_ends_with_2() -> None:
    assert run("files", "--limit", "none").exit_code == 2
    assert run("quarantine", "1", "--reasons", "--export", "x.csv").exit_code == 2
    assert run("infer", "no-such-file.csv").exit_code == 2


# -- contract check ------------------------------------------------------------------------------------------


def test_a_contract_in_order_is_described() -> None:
    told = run("contract", "check", str(MOTOR), "--json")
    assert told.exit_code == 0
    described = json.loads(told.stdout)
    assert (described["line"], described["version"]) == ("motor", "1.0.0")
    by_name = {column["name"]: column for column in described["columns"]}
    assert by_name["claim_id"]["role"] == "identifier"
    assert by_name["policyholder_name"]["stored_as"] == "keyed hash"


def test_each_problem_of_a_contract_has_a_line(tmp_path: Path) -> None:
    broken = tmp_path / "motor.yaml"
    text = MOTOR.read_text().replace("logicalType: integer", "logicalType: int", 1)
    broken.write_text(text.replace("role, value: identifier", "role, value: identity"))
    told = run("contract", "check", str(broken))
    assert told.exit_code == 1
    lines = told.stderr.splitlines()
    assert any("role 'identity' is unknown" in line for line in lines)
    assert any("logicalType 'int'" in line for line in lines)
    assert json.loads(run("contract", "check", str(broken), "--json").stdout)["problems"] == lines


def test_a_contract_is_checked_for_the_line_that_it_names(tmp_path: Path) -> None:
    elsewhere = tmp_path / "downloaded.yaml"
    elsewhere.write_text(MOTOR.read_text())
    assert run("contract", "check", str(elsewhere)).exit_code == 0
    told = run("contract", "check", str(elsewhere), "--line", "home")
    assert told.exit_code == 1
    assert "line is 'motor'" in told.stderr


def test_a_broken_contract_is_not_put_anywhere(tmp_path: Path) -> None:
    broken = tmp_path / "home.yaml"
    broken.write_text("schema: []")
    assert run("contract", "put", "home", str(broken)).exit_code == 1


def test_a_contract_that_is_no_text_is_refused_with_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "home.yaml"
    broken.write_bytes(b"name: caf\xe9")
    told = run("contract", "check", str(broken))
    assert told.exit_code == 1
    assert "save it as UTF-8" in told.stderr


# -- infer ---------------------------------------------------------------------------------------------------

CLAIMS = "claim_no,loss_date,amount,note\n" + "".join(
    f"C{number:05},2026-01-{number % 28 + 1:02},{number * 10},hit\n" for number in range(200)
)


def test_infer_writes_a_draft_that_names_the_columns_and_what_to_check(tmp_path: Path) -> None:
    source = tmp_path / "Home Claims.csv"
    source.write_text(CLAIMS)
    told = run("infer", str(source))
    assert told.exit_code == 0
    assert "value: home_claims" in told.stdout
    assert all(name in told.stdout for name in ("claim_no", "loss_date", "amount", "note"))
    assert "check:" in told.stdout
    assert "claimwatch contract put home_claims" in told.stderr


def test_an_inferred_contract_of_plain_claims_can_be_read(tmp_path: Path) -> None:
    source, draft = tmp_path / "claims.csv", tmp_path / "home.yaml"
    source.write_text(CLAIMS)
    assert run("infer", str(source), "--line", "home", "-o", str(draft)).exit_code == 0
    assert run("contract", "check", str(draft)).exit_code == 0


def test_infer_reads_what_the_pipeline_reads(tmp_path: Path) -> None:
    source = tmp_path / "claims.csv"
    source.write_bytes(CLAIMS.replace("hit", "Stoß", 50).replace(",", ";").encode("latin-1"))
    told = json.loads(run("infer", str(source), "--line", "home", "--json").stdout)
    assert told["format"] == "csv, latin-1, semicolon"
    assert told["to_check"] > 0
    assert told["contract"].startswith(("#", "apiVersion"))


def test_infer_refuses_what_is_no_table(tmp_path: Path) -> None:
    source = tmp_path / "claims.pdf"
    source.write_bytes(b"%PDF-1.7 ...")
    told = run("infer", str(source))
    assert (told.exit_code, told.stdout) == (1, "")
    assert "PDF" in told.stderr


def test_infer_writes_over_nothing(tmp_path: Path) -> None:
    source, draft = tmp_path / "claims.csv", tmp_path / "home.yaml"
    source.write_text(CLAIMS)
    draft.write_text("mended")
    assert run("infer", str(source), "-o", str(draft)).exit_code == 1
    assert draft.read_text() == "mended"
