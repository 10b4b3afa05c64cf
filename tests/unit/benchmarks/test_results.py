"""The results file keeps its shape, and the documentation has its figures."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.results import RESULTS, circumstances, median, record, table

DOCS = Path(__file__).resolve().parents[3] / "docs" / "benchmarks.md"
NAMES = {
    "ingest": (
        *("vs_raw_copy", "processor_vs_raw_copy", "vs_pandas", "vs_awswrangler"),
        *("peak_mb_1m", "peak_mb_10m"),
    ),
    "images": (
        *("vs_naive", "vs_draft", "vs_sharp", "vs_pyvips"),
        *("ssim_loss", "peak_mb", "match_recall", "false_pair_rate"),
        *("document_match_recall", "document_false_pair_rate"),
    ),
    "field": ("rows_wrong", "plain_rows_lost", "drafts", "drafts_loading", "draft_problems"),
    "first_model": (
        *("lift_share_least", "lift_share_median", "traps_named", "false_warnings"),
        "honest_books_with_false_warnings",
    ),
    "scoring": (
        *("vs_pyfunc_end_to_end", "vs_pipeline_10k", "vs_pipeline_1"),
        *("cold_vs_sklearn", "cold_vs_pyfunc", "parity_max_abs", "shap_max_abs"),
    ),
    "online": (
        *("p50_ms", "p99_ms", "batch_vs_one", "cold_s", "parity_bits"),
        *("vs_mlflow_serve", "vs_fastapi_sklearn"),
    ),
    "reasons": ("modal_without_rate",),
    "drift": (
        *("power_5000", "interval_coverage", "fraud_rate_false_alarms", "vs_evidently_time", "vs_scipy_time"),
        *("growth_10x", "peak_mb", "load_overhead"),
    ),
}


def test_the_results_have_all_figures_of_loading() -> None:
    ingest = json.loads(RESULTS.read_text("utf-8"))["ingest"]
    assert all(isinstance(ingest[name], int | float) and ingest[name] > 0 for name in NAMES["ingest"])
    assert {"machine", "versions", "measured_at", "runs"} <= ingest.keys()
    assert {len(runs) for runs in ingest["runs"].values()} == {5}


@pytest.mark.parametrize(("benchmark", "counted"), [("ingest", "rows"), ("images", "photos")])
def test_a_ratio_is_that_of_the_medians_of_its_runs(benchmark: str, counted: str) -> None:
    figures = json.loads(RESULTS.read_text("utf-8")).get(benchmark, {"runs": {}})
    rates = {
        name: median([run[counted] / run["seconds"] for run in runs])
        for name, runs in figures["runs"].items()
    }
    for name in rates.keys() - {"claimwatch"}:
        assert abs(figures[f"vs_{name}"] - rates["claimwatch"] / rates[name]) < 0.01


def documented(benchmark: str) -> dict[str, float]:
    """The figures in the table of the section that names ``make bench-<benchmark>`` in its heading."""
    (section,) = [
        part
        for part in DOCS.read_text("utf-8").split("\n## ")
        if f"`make bench-{benchmark.replace('_', '-')}`" in part[:80]
    ]
    figures = re.findall(r"\| `(\w+)` \| (\d[\d.]*(?:e-\d+)?) \|", section)
    return {name: float(figure) for name, figure in figures}


@pytest.mark.parametrize("benchmark", NAMES)
def test_the_documentation_has_the_figures_of_the_results(benchmark: str) -> None:
    figures = json.loads(RESULTS.read_text("utf-8")).get(benchmark, {})
    stated = documented(benchmark)
    # Some are rounded to two digits.
    assert stated == pytest.approx({name: figures[name] for name in stated}, rel=0.02)
    assert not figures or set(NAMES[benchmark]) <= stated.keys()


def test_one_benchmark_keeps_the_figures_of_another(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    record("ingest", {"vs_raw_copy": 1.0}, path)
    record("drift", {"vs_scipy": 2.0}, path)
    record("ingest", {"vs_raw_copy": 3.0}, path)
    assert json.loads(path.read_text("utf-8")) == {"drift": {"vs_scipy": 2.0}, "ingest": {"vs_raw_copy": 3.0}}
    assert [entry.name for entry in tmp_path.iterdir()] == ["results.json"]


def test_circumstances_state_the_machine_and_the_versions() -> None:
    found = circumstances("numpy")
    assert found["machine"].keys() == {"cpu", "cores", "memory_gb", "system"}
    assert found["versions"].keys() == {"python", "numpy"}


def test_the_columns_of_a_table_are_aligned() -> None:
    assert table(["", "rows/s"], [["ours", "1,000"], ["theirs", "10"]]).splitlines() == [
        "        rows/s",
        "------  ------",
        "ours     1,000",
        "theirs      10",
    ]
