"""A training is requested once, waited for whatever happens meanwhile, and laid beside the champion."""

import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.buildspec import read_buildspec
from release.errors import ReleaseRefused
from release.line_models import LineModels, Model
from release.train import (
    ASKED_BY,
    LONGEST_SILENCE,
    LONGEST_WAIT,
    SUMMARY_LIMIT,
    Candidate,
    Clock,
    Order,
    card_url,
    summary_of,
    train,
)
from tests.unit.release.simulated import METRICS, Crash, Crashes, Registry

PROJECT = Path(__file__).parents[3]
ORDER = Order("motor", "t-1", "commit c1: training code changed")
CHAMPION = Model(
    "1", "registered", "s3://b/models/motor/1/", METRICS | {"roc_auc": 0.8}, [], frozenset({"champion"})
)
LEAK = {"kind": "strong", "column": "police_report", "found": "alone it ranks with 0.97"}
PROXY = {"kind": "proxy", "column": "postcode", "found": "it stands for nationality"}


def run(registry: Registry, order: Order = ORDER, said: list[str] | None = None) -> Candidate:
    report = (said if said is not None else []).append
    return train(registry, order, Clock(lambda: registry.now, registry.sleep), report, "eu-central-1")


def test_a_training_is_requested_with_its_reason_and_its_registered_model_is_the_candidate() -> None:
    registry = Registry(champion=CHAMPION)
    candidate = run(registry)
    assert registry.requests == {
        "t-1": {"why": "commit c1: training code changed", "asked_by": ASKED_BY, "training_id": "t-1"}
    }
    assert (candidate.line, candidate.version) == ("motor", "2")
    assert registry.now >= registry.seconds


@given(crashes=st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=4), other=st.booleans())
def test_a_step_that_is_repeated_after_crashes_trains_once(
    crashes: list[tuple[int, bool]], other: bool
) -> None:
    registry = Registry(begun={"t-0": 0.0} if other else {})
    for at, after in crashes:
        registry.crashes = Crashes(at, after)
        with suppress(Crash):
            run(registry)
    registry.crashes = Crashes()
    assert run(registry).version == run(registry).version == ("3" if other else "2")
    assert list(registry.requests) == ["t-1"]


def test_another_training_of_the_line_is_waited_for() -> None:
    registry = Registry(begun={"t-0": 0.0})
    said: list[str] = []
    run(registry, said=said)
    assert registry.begun["t-1"] >= registry.seconds
    assert said[0] == "training t-0 of line motor has to end first"


def test_a_database_that_wakes_up_is_waited_for_and_one_that_stays_away_ends_the_step() -> None:
    assert run(Registry(sleeping_until=LONGEST_SILENCE - 60)).version == "2"
    with pytest.raises(ReleaseRefused, match="waking up"):
        run(Registry(sleeping_until=LONGEST_SILENCE * 2))


def test_a_training_that_never_ends_ends_the_step() -> None:
    with pytest.raises(ReleaseRefused, match="training t-1 has not ended within 8 hours"):
        run(Registry(seconds=LONGEST_WAIT * 2))
    with pytest.raises(ReleaseRefused, match="training t-0 has not ended within 8 hours"):
        run(Registry(begun={"t-0": 0.0}, seconds=LONGEST_WAIT * 2))


@pytest.mark.parametrize("ends_as", ["refused", "failed"])
def test_a_training_that_makes_no_candidate_ends_the_step_with_its_sentence(ends_as: str) -> None:
    with pytest.raises(ReleaseRefused, match=f"model 2 of line motor is {ends_as}: worse than the champion"):
        run(Registry(ends_as=ends_as))


def test_a_refused_request_ends_the_step_with_the_sentence_of_the_application() -> None:
    class Refusing(Registry):
        def _train(self, _: object) -> dict[str, object]:
            raise ReleaseRefused("line motor has no contract")

    with pytest.raises(ReleaseRefused, match="line motor has no contract"):
        run(Refusing())


# -- What the approver sees ----------------------------------------------------------------------------------


def test_the_candidate_is_shown_beside_the_champion_with_the_columns_to_name() -> None:
    candidate = Model("2", "registered", "s3://b/models/motor/2/", METRICS, [LEAK, PROXY], frozenset())
    summary = summary_of(LineModels("motor", (candidate, CHAMPION)), candidate, ORDER.why)
    assert "Candidate | champion 1: ROC-AUC 0.861 | 0.800; PR-AUC 0.402 | 0.402" in summary
    assert "observed to expected frauds unknown | unknown" in summary
    assert "because of commit c1: training code changed" in summary
    assert "Warnings about: police_report, postcode." in summary
    assert "name in the comment: trust=police_report. Card: claimwatch card motor 2" in summary
    alone = summary_of(
        LineModels("motor", (replace(candidate, warnings=[]),)), replace(candidate, warnings=[]), "w"
    )
    assert "There is no champion. ROC-AUC 0.861;" in alone
    assert "No warnings. Card:" in alone


@given(
    why=st.text(max_size=1000),
    columns=st.lists(st.from_regex(r"[a-z][a-z _.-]{0,61}[a-z]", fullmatch=True), max_size=40),
)
def test_a_summary_is_one_line_that_codepipeline_accepts(why: str, columns: list[str]) -> None:
    warnings = [LEAK | {"column": column} for column in columns]
    candidate = Model("2", "registered", "s3://b/models/motor/2/", METRICS, warnings, frozenset())
    summary = summary_of(LineModels("motor", (candidate, CHAMPION)), candidate, why)
    assert len(summary) <= SUMMARY_LIMIT
    assert "\n" not in summary
    if sum(map(len, columns)) < 300:
        assert summary.endswith("Card: claimwatch card motor 2")


def test_the_build_exports_what_was_written_and_the_card_is_an_address_of_the_console(tmp_path: Path) -> None:
    model = Model("2", "registered", "s3://bucket-1/models/motor/2/", METRICS, [], frozenset())
    url = card_url(model, "eu-central-1")
    assert url == (
        "https://console.aws.amazon.com/s3/object/bucket-1?region=eu-central-1&prefix=models/motor/2/card.html"
    )
    awkward = 'it\'s $(false) `false` "quoted" | trust=a'
    (tmp_path / "reports").mkdir()
    Candidate("motor", "2", awkward, url).write(tmp_path / "reports")
    spec = read_buildspec((PROJECT / "buildspecs" / "train.yml").read_text("utf-8"))
    exports = [command for command in spec.phases["build"].commands if command.startswith("export ")]
    script = "\n".join([*exports, *(f'printf "%s\\n" "${name}"' for name in spec.exported)])
    done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["2", awkward, url]
