"""The changes of the rehearsal fit the tree, and what a release did is read correctly."""

import tomllib

import pytest

from local.emulator import PROJECT
from local.processes import StartupFailed
from local.rehearsal.actions import complaint, output_of
from local.rehearsal.rehearsal import stage_settings
from local.rehearsal.repository import replaced
from local.rehearsal.scenarios import SCENARIOS, Result, Scenario
from local.rehearsal.shifts import AliasWatch, Routing
from local.rehearsal.traffic import Caller, Counts, Sent, Traffic
from release.configuration import overrides

LOG = """\
[build] phase build
[build] $ make $CHECK_TARGETS
collected
FAILED tests/unit/models/test_lift.py::test_lift - assert 1 == 2
make: *** [Makefile:1: unit] Error 1
[build] $ mkdir -p reports
[build] $ ls -l reports
total 4
[build] phase build failed: exit status 2 of: make $CHECK_TARGETS
"""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_change_of_a_scenario_fits_the_tree(scenario: Scenario) -> None:
    for name, edit in scenario.edits.items():
        text = (PROJECT / name).read_text("utf-8")
        assert edit(text) != text


def test_an_edit_that_does_not_fit_says_so() -> None:
    with pytest.raises(StartupFailed, match="occurs 2 times; adapt local/rehearsal"):
        replaced("a", "b")("a a")


def test_the_settings_of_the_stages_are_written_as_an_operator_writes_them() -> None:
    text = stage_settings(
        (PROJECT / "samconfig.toml").read_text("utf-8"),
        {"staging": {"GradualDeployment": "false"}, "production": {"TrafficShift": "AllAtOnce", "A": "b c"}},
    )
    sections = tomllib.loads(text)
    assert overrides(sections["staging"], "staging") == {"GradualDeployment": "false"}
    assert overrides(sections["production"], "production") == {"TrafficShift": "AllAtOnce", "A": "b c"}
    with pytest.raises(StartupFailed, match="no parameters for staging"):
        stage_settings("", {"staging": {}})


def test_a_failed_build_says_which_test_failed_not_what_finally_printed() -> None:
    said = output_of(LOG, "make $CHECK_TARGETS")
    assert "total 4" not in said
    assert complaint(said) == "FAILED tests/unit/models/test_lift.py::test_lift - assert 1 == 2"


def test_a_failed_step_comes_with_the_sentence_below_it() -> None:
    assert complaint(["ok     drop", "FAILED ask (1 s)", "  It answers 503."]) == (
        "FAILED ask (1 s): It answers 503."
    )
    assert complaint(["release: no", "make: *** Error 1"]) == "release: no"
    assert complaint([]) == ""


def watch(*routings: Routing) -> AliasWatch:
    return AliasWatch(None, "score", list(routings))


def test_the_window_of_a_shift_ends_when_one_version_has_all_traffic() -> None:
    shifted = watch(Routing(1.0, "1"), Routing(2.0, "1", "2", 0.1), Routing(5.0, "2"))
    assert shifted.window() == (2.0, 5.0)
    assert shifted.versions == ["1", "2"]
    assert watch(Routing(1.0, "1")).window() is None


def test_requests_without_an_answer_are_lost_and_errors_of_our_side_have_failed() -> None:
    traffic = Traffic(Caller("", "", None, "test"), [], 1.0)  # type: ignore[arg-type]
    traffic.sent = [Sent(1.0, 0.1, 200), Sent(2.0, 0.1, 500), Sent(3.0, 30.0, None), Sent(9.0, 0.1, 403)]
    assert traffic.between(1.0, 3.0) == Counts(sent=3, answered=2, failed=1)
    assert traffic.between(1.0, 3.0).lost == 1
    assert traffic.refused() == [403]


def test_a_scenario_succeeds_only_without_problems() -> None:
    good, bad = Result("core", "a change", "production"), Result("core", "a change", "production")
    good.require(True, "is fine")
    bad.require(None, "is missing")
    assert (good.succeeded, bad.succeeded) == (True, False)
    assert bad.document()["problems"] == ["is missing"]
