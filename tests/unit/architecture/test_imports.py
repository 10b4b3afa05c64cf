"""Imports point one way: functions, use cases, storage and aws, domain. The domain does no I/O."""

import ast
import graphlib
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PACKAGE = PROJECT / "layers" / "core" / "claimwatch"

ALLOWED = {
    "domain": set(),
    "api": {"domain"},
    "aws": {"domain"},
    "storage": {"domain"},
    "access": {"domain", "aws"},
    "ingest": {"domain", "aws", "storage", "access"},
    "photos": {"domain", "aws", "storage"},
    "scoring": {"domain", "aws", "storage", "access", "ingest"},
    "models": {"domain", "aws", "storage", "scoring"},
    "evaluation": {"domain", "aws", "storage", "scoring"},
    "cases": {"domain", "aws", "storage"},
    "governance": {"domain", "aws", "storage"},
    "desk": {"domain", "aws"},
    "sources": {"domain", "aws", "storage"},
    "releases": {"domain", "aws", "access", "scoring"},
}
"""The packages that each package may import; a new package is added here."""

DOMAIN_ALLOWED: dict[str, set[str]] = {
    "contract": set(),
    "photos": set(),
    "files": {"contract"},
    "validation": {"contract", "files"},
    "model": {"contract"},
    "evaluation": {"contract", "model"},
    "audit": set(),
    "access": set(),
    "cases": set(),
    "releases": {"contract", "model", "validation"},
    "sources": {"contract"},
}
"""The packages of the domain, and which packages each of them may import."""

SHARED = {"errors", "invisible", "malloc", "duckdb_access", "duckdb_errors"}
"""Top-level modules that any package may import; only functions import settings and runtime."""

THIRD_PARTY = {
    "domain": {
        "numpy",
        "scipy",
        "PIL",
        "pillow_heif",
        "pydantic",
        "pydantic_core",
        "yaml",
        "open_data_contract_standard",
        "stdnum",
        "re2",
    },
    "api": {"pydantic"},
    "aws": {"boto3", "botocore", "aws_lambda_powertools"},
    "storage": {"psycopg2"},
    "access": set(),
    "ingest": {"duckdb", "numpy", "psycopg2"},
    "photos": {"psycopg2"},
    "scoring": {"duckdb", "numpy", "onnxruntime", "psycopg2"},
    "models": {"psycopg2"},
    "evaluation": {"numpy", "psycopg2"},
    "cases": {"psycopg2"},
    "governance": {"psycopg2"},
    "desk": set(),
    "sources": {"psycopg2", "pymysql", "pytds", "oracledb", "asyncssh", "cryptography", "OpenSSL"},
    "releases": set(),
}
"""Third-party packages of each package. Serving never imports scikit-learn, MLflow or pandas."""

IO_MODULES = {
    "os",
    "pathlib",
    "socket",
    "subprocess",
    "shutil",
    "tempfile",
    "urllib",
    "http",
    "time",
    "random",
}
"""Modules that the domain must not import: time and randomness are arguments, and it does no I/O."""

NUMPY_ONLY = (
    "bands",
    "features",
    "model",
    "calibration",
    "leaf_paths",
    "shapley",
    "ranking_metrics",
    "profile",
    "profile_codec",
    "reasons",
)
"""Modules of ``domain/model`` that training and serving share."""


@cache
def imports(source: Path) -> tuple[str, ...]:
    """Return the modules that a file imports anywhere, except imports for type checkers only."""
    return tuple(_imports(ast.parse(source.read_text("utf-8"))))


def _imports(tree: ast.Module) -> Iterator[str]:
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for branch in node.body
        for inner in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def third_party(source: Path) -> set[str]:
    return {
        name.split(".")[0]
        for name in imports(source)
        if name.split(".")[0] not in sys.stdlib_module_names
        and name.split(".")[0] != "claimwatch"
        and not name.startswith("mypy_boto3")
    }


def packages(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir() and list(path.glob("*.py"))}


def all_below(package: str, allowed: dict[str, set[str]], seen: frozenset[str] = frozenset()) -> set[str]:
    assert package not in seen, f"{package} imports itself through other packages"
    return allowed[package].union(
        *(all_below(below, allowed, seen | {package}) for below in allowed[package])
    )


@pytest.mark.parametrize(("folder", "allowed"), [(PACKAGE, ALLOWED), (PACKAGE / "domain", DOMAIN_ALLOWED)])
def test_every_package_is_declared_and_no_package_imports_itself(
    folder: Path, allowed: dict[str, set[str]]
) -> None:
    assert packages(folder) == allowed.keys()
    for package in allowed:
        all_below(package, allowed)


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_packages_below_it(package: str) -> None:
    allowed = ALLOWED[package] | SHARED | {package}
    found = {
        f"{source.name}: {name}"
        for source in sources(PACKAGE / package)
        for name in imports(source)
        if name.startswith("claimwatch.") and name.split(".")[1] not in allowed
    }
    assert found == set()


@pytest.mark.parametrize("package", DOMAIN_ALLOWED)
def test_a_package_of_the_domain_imports_only_packages_below_it(package: str) -> None:
    allowed = DOMAIN_ALLOWED[package] | {package}
    found = {
        f"{source.name}: {name}"
        for source in sources(PACKAGE / "domain" / package)
        for name in imports(source)
        if name.startswith("claimwatch.domain.") and name.split(".")[2] not in allowed
    }
    assert found == set()


def test_modules_have_no_import_cycle() -> None:
    modules = {
        ".".join(("claimwatch", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in sources(PACKAGE)
        if path.name != "__init__.py"
    }
    graph = {
        module: {
            target
            for name in imports(path)
            for target in (name, name.rpartition(".")[0])
            if target in modules and target != module
        }
        for module, path in modules.items()
    }
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_its_declared_third_parties(package: str) -> None:
    found = {
        f"{source.name}: {name}"
        for source in sources(PACKAGE / package)
        for name in third_party(source) - THIRD_PARTY[package]
    }
    assert found == set()


def test_the_domain_does_no_io() -> None:
    found = {
        f"{source.name}: {name}"
        for source in sources(PACKAGE / "domain")
        for name in imports(source)
        if name.split(".")[0] in IO_MODULES
    }
    assert found == set()


@pytest.mark.parametrize("module", NUMPY_ONLY)
def test_modules_shared_by_training_and_serving_need_only_numpy(module: str) -> None:
    assert third_party(PACKAGE / "domain" / "model" / f"{module}.py") <= {"numpy"}


def test_a_cold_start_imports_neither_yaml_nor_the_model_of_odcs() -> None:
    loaded = loaded_by("runtime", "ingest.load", "photos.receive")
    assert {"pydantic", "open_data_contract_standard", "yaml"}.isdisjoint(loaded)


def test_a_process_that_answers_score_requests_imports_no_database_and_no_tracer() -> None:
    validator = (
        "domain.contract.compiled",
        "domain.validation.claim_json",
        "domain.validation.claim_validator",
    )
    loaded = loaded_by("online_runtime", "observability", "scoring.online", *validator)
    heavy = {"pydantic", "open_data_contract_standard", "yaml", "psycopg2", "duckdb", "aws_xray_sdk"}
    assert heavy.isdisjoint(loaded)


def test_the_check_of_the_api_of_cases_needs_no_layer_with_numpy() -> None:
    loaded = loaded_by("release_runtime", "releases.check_case_api", "aws.deployment_hooks", "observability")
    assert {"numpy", "onnxruntime", "psycopg2"}.isdisjoint(loaded)


def loaded_by(*modules: str) -> set[str]:
    """Return the modules in a new process that imports these modules of the package."""
    names = [f"claimwatch.{name}" for name in modules]
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, {', '.join(names)}; print(*sys.modules)"],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(names) <= set(loaded)
    return set(loaded)


def test_a_function_imports_claimwatch_and_no_sibling() -> None:
    found = {
        f"{source.parent.name}: {name}"
        for source in sources(PROJECT / "functions")
        for name in third_party(source) - {"aws_lambda_powertools"}
    }
    assert found == set()


def test_claimwatch_imports_nothing_that_is_built_on_it() -> None:
    above = {"training", "cli", "samples", "local", "benchmarks", "tests"}
    found = {f"{source.name}: {name}" for source in sources(PACKAGE) for name in third_party(source) & above}
    assert found == set()
