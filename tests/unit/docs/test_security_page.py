"""The threat model names tests that exist, and every policy that the stack offers."""

import ast
import re
from pathlib import Path

from tests.template.application import of_type

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs/security.md").read_text("utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) >= 10
    for path, name in named:
        tree = ast.parse((PROJECT / path).read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (path, name)


def test_the_page_names_every_policy_and_tag_of_the_stack() -> None:
    for policy in of_type("AWS::IAM::ManagedPolicy"):
        assert f"`{policy}Arn`" in PAGE, policy
    template = (PROJECT / "template.yaml").read_text("utf-8")
    for tag in set(re.findall(r"aws:PrincipalTag/([\w-]+)", template)):
        assert tag in PAGE, tag


def test_the_page_lists_the_database_role_of_every_task() -> None:
    migrations = PROJECT / "layers/core/claimwatch/storage/migrations"
    roles = {
        role
        for path in migrations.glob("*.sql")
        for role in re.findall(r"COMMENT ON ROLE (\w+)", path.read_text("utf-8"))
    }
    assert roles
    assert {role for role in roles if f"`{role}`" not in PAGE} == set()
