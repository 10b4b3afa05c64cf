"""The hashes change with what decides the result of a training, and with nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from claimwatch.errors import RefusedContract
from release.training_inputs import EVERY_LINE, model_modules, training_hashes, training_sha256

PROJECT = Path(__file__).parents[3]
CORE = "layers/core/claimwatch"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree, as far as hashes could depend on it."""
    copy = tmp_path_factory.mktemp("tree")
    without = shutil.ignore_patterns("__pycache__", ".*")
    for folder in ("training", "layers/core", "contracts", "cli", "docs", "functions", "statemachines"):
        shutil.copytree(PROJECT / folder, copy / folder, ignore=without)
    for file in ("template.yaml", "openapi.json", "requirements/dev.txt"):
        (copy / file).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / file, copy / file)
    return copy


@pytest.fixture
def changed(pristine: Path) -> Callable[[str], set[str]]:
    """Return the keys whose hash a change of a file changes; the change is then taken back."""

    def change(name: str, addition: str = "\n# a change\n") -> set[str]:
        before, file = training_hashes(pristine), pristine / name
        content = file.read_bytes()
        file.write_bytes(content + addition.encode())
        try:
            after = training_hashes(pristine)
        finally:
            file.write_bytes(content)
        return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}

    return change


@pytest.mark.parametrize(
    "name",
    [
        f"{CORE}/domain/model/features.py",
        f"{CORE}/domain/model/calibration.py",
        f"{CORE}/domain/contract/odcs.py",
        f"{CORE}/scoring/scorer.py",
        f"{CORE}/storage/cohorts.py",
        "training/run.py",
        "training/gates.py",
        "training/take_snapshot.py",
        "training/card/page.py",
        "training/bootstrap.sh",
        "training/requirements.txt",
    ],
)
def test_a_change_of_what_makes_a_model_concerns_every_line(
    changed: Callable[[str], set[str]], name: str
) -> None:
    assert changed(name) == {EVERY_LINE, "motor"}


@pytest.mark.parametrize(
    "name",
    [
        "cli/main.py",
        "cli/models.py",
        "docs/architecture.md",
        "functions/api/score_claim/handler.py",
        "functions/models/start_training/handler.py",
        f"{CORE}/api/routes.py",
        f"{CORE}/cases/routes.py",
        f"{CORE}/ingest/commit.py",
        f"{CORE}/evaluation/checks/feature_drift.py",
        f"{CORE}/storage/migrations/0001_ledger.sql",
        f"{CORE}/storage/models.sql",
        f"{CORE}/aws/alerts.py",
        "statemachines/score_claims.asl.json",
        "template.yaml",
        "openapi.json",
        "requirements/dev.txt",
        "training/requirements.in",
        "contracts/motor.yaml",  # a comment
    ],
)
def test_a_change_of_anything_else_concerns_no_line(changed: Callable[[str], set[str]], name: str) -> None:
    assert changed(name) == set()


def test_a_change_of_a_contract_concerns_its_line_only(pristine: Path) -> None:
    contract = pristine / "contracts" / "motor.yaml"
    text = contract.read_text("utf-8")
    home = pristine / "contracts" / "home.yaml"
    home.write_text(text.replace("motor", "home"), "utf-8")
    before = training_hashes(pristine)
    contract.write_text(text.replace("reviewCapacity, value: 0.05", "reviewCapacity, value: 0.06"), "utf-8")
    try:
        assert contract.read_text("utf-8") != text
        after = training_hashes(pristine)
        assert {key for key in before if before[key] != after[key]} == {"motor"}
        assert before.keys() == {EVERY_LINE, "home", "motor"}
        contract.unlink()
        assert training_sha256(pristine, "motor") == training_hashes(pristine)[EVERY_LINE]
    finally:
        home.unlink()
        contract.write_text(text, "utf-8")


def test_a_contract_counts_with_its_values_not_with_its_layout(pristine: Path) -> None:
    contract = pristine / "contracts" / "motor.yaml"
    text, before = contract.read_text("utf-8"), training_hashes(pristine)
    contract.write_text(
        "# a comment\n\n" + text.replace("\nschema:", "\n\n# another\nschema:") + "\n\n", "utf-8"
    )
    try:
        assert training_hashes(pristine) == before
        contract.write_text("a: [", "utf-8")
        with pytest.raises(RefusedContract):
            training_hashes(pristine)
    finally:
        contract.write_text(text, "utf-8")


def test_a_module_that_training_starts_to_import_counts_from_then_on(
    pristine: Path, changed: Callable[[str], set[str]]
) -> None:
    module = pristine / CORE / "domain" / "model" / "brand_new.py"
    module.write_text("VALUE = 1\n", "utf-8")
    run = pristine / "training" / "gates.py"
    text = run.read_text("utf-8")
    try:
        assert changed(f"{CORE}/domain/model/brand_new.py") == set()
        run.write_text(
            f"{text}\n\ndef _late():\n    from claimwatch.domain.model import brand_new\n", "utf-8"
        )
        assert changed(f"{CORE}/domain/model/brand_new.py") == {EVERY_LINE, "motor"}
    finally:
        run.write_text(text, "utf-8")
        module.unlink()


def test_hashes_do_not_depend_on_where_the_tree_is_nor_on_compiled_files(pristine: Path) -> None:
    assert training_hashes(pristine) == training_hashes(PROJECT)
    cache = pristine / "training" / "__pycache__"
    cache.mkdir()
    (cache / "run.cpython-313.pyc").write_bytes(b"compiled")
    try:
        assert training_hashes(pristine) == training_hashes(PROJECT)
    finally:
        shutil.rmtree(cache)


def test_what_makes_a_model_does_no_input_or_output_of_the_stack() -> None:
    """Otherwise a change of the job, of an alert or of a query would train every line again."""
    reached = model_modules(PROJECT)
    packages = {module.split(".")[1] for module in reached if module.startswith("claimwatch.")}
    assert packages.isdisjoint({"access", "aws", "cases", "ingest", "models", "settings"})
    assert {module for module in reached if module.startswith("claimwatch.storage.")} == {
        "claimwatch.storage.cohorts"
    }
