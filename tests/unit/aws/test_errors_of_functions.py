"""The message of an error that Claimwatch did not write leaves no function."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from claimwatch.errors import TransientFault
from claimwatch.observability import UnexpectedError, without_messages

HANDLERS = sorted((Path(__file__).parents[3] / "functions").glob("*/*/handler.py"))


def raising(error: Exception) -> Exception:
    @without_messages
    def function() -> None:
        try:
            raise LookupError("Jane Roe")
        except LookupError:
            raise error from None

    try:
        function()
    except (UnexpectedError, TransientFault) as raised:
        return raised
    raise AssertionError


def test_an_unexpected_error_keeps_type_place_and_frames_but_not_its_message() -> None:
    found = raising(ValueError("Jane Roe"))
    assert isinstance(found, UnexpectedError)
    assert str(found).startswith("ValueError")
    assert found.__cause__ is None
    assert found.__context__ is None
    assert found.__traceback__ is not None


def test_a_call_that_aws_refuses_keeps_its_code() -> None:
    refused = ClientError(
        {"Error": {"Code": "AccessDenied", "Message": "claims/motor/Jane Roe.csv"}}, "GetObject"
    )
    assert str(raising(refused)).endswith(" AccessDenied")


def test_an_error_of_claimwatch_is_passed_on() -> None:
    fault = TransientFault("the database is waking up")
    assert raising(fault) is fault


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.parent.name)
def test_every_handler_and_every_function_of_a_batch_is_protected(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    called = [
        node.args[1].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "process_partial_response"
        and isinstance(node.args[1], ast.Name)
    ]
    for name in ("handler", *called):
        innermost = functions[name].decorator_list[-1]
        assert isinstance(innermost, ast.Name), name
        assert innermost.id == "without_messages", name


def test_an_error_that_no_code_catches_is_printed_without_its_message() -> None:
    """psycopg2 prints one if the server ends a connection during COPY; its cause quotes a row."""
    code = """
import claimwatch.observability

try:
    raise ValueError("COPY quarantine, line 1: Jane Roe")
except ValueError as error:
    raise SystemError("Jane Roe") from error
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "error that could not be raised: SystemError\n"
