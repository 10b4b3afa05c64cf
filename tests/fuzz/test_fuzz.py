"""A short seeded run of `make fuzz`, and every input that once broke a promise."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.fuzz.__main__ import environment
from tests.fuzz.fuzzer import Subject, fuzz, seeds
from tests.fuzz.known import FINDINGS, is_known
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
SEED = 1
INPUTS = {
    "csv": 30,
    "json": 40,
    "gzip": 20,
    "parquet": 25,
    "contracts": 40,
    "keys": 150,
    "photos": 150,
    "exif": 200,
}

type Subjects = Callable[[str], Subject]


@pytest.fixture(scope="module")
def subjects(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subjects]:
    """Return the targets by name, each in a worker process that is started on first use."""
    opened: dict[str, Subject] = {}
    with ExitStack() as stack:

        def subject(name: str) -> Subject:
            if name not in opened:
                place = stack.enter_context(environment(cluster, tmp_path_factory.mktemp("fuzz") / name))
                opened[name] = stack.enter_context(Subject(TARGETS[name], place))
            return opened[name]

        yield subject


@pytest.mark.parametrize("name", TARGETS)
def test_a_seeded_run_breaks_no_promise(name: str, subjects: Subjects) -> None:
    report = fuzz(TARGETS[name], subjects(name), seeds(SEED, inputs=INPUTS[name], seconds=None))

    assert report.inputs == INPUTS[name]
    assert report.stored > 0
    unknown = [crash for crash in report.crashes.values() if not is_known(name, crash.signature)]
    assert [f"{crash.signature} (seed {crash.seed})\n{crash.details}" for crash in unknown] == []


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            id=(name := str(path.relative_to(CORPUS))),
            marks=[pytest.mark.xfail(reason=FINDINGS[name], strict=True)] if name in FINDINGS else [],
        )
        for path in sorted(CORPUS.glob("*/*"))
    ],
)
def test_an_input_that_once_broke_a_promise_is_stored_or_refused(path: Path, subjects: Subjects) -> None:
    observation = subjects(path.parent.name).read(path.read_bytes(), stored=True)

    assert observation.signature is None, observation.details


def test_every_known_crash_has_an_input_that_reproduces_it() -> None:
    assert [file for file in FINDINGS if not (CORPUS / file).is_file()] == []
