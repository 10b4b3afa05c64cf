"""What the arguments of `python -m training` mean."""

from pathlib import Path

import numpy as np
import pytest

from claimwatch.errors import RefusedData
from training.__main__ import REFUSED, main
from training.run import Request
from training.settings import Settings

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("as_of", "known_until"),
    [
        ("2026-03-31", "2026-03-31T23:59:59.999999"),
        ("2026-03-31T12:00", "2026-03-31T12:00"),
        (None, None),
    ],
)
def test_a_back_test_knows_its_whole_day_and_keeps_every_trusted_column(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, as_of: str | None, known_until: str | None
) -> None:
    asked: list[tuple[Request, Settings]] = []

    def training(request: Request, settings: Settings, _: object) -> None:
        asked.append((request, settings))
        raise RefusedData("enough seen")

    monkeypatch.setattr("training.run.train", training)
    contract = PROJECT / "contracts" / "motor.yaml"
    words = ["--line", "motor", "--snapshot", "s", "--contract", contract, "--out", tmp_path, "--trust=-x"]
    words += ["--trust=y", *(["--as-of", as_of] if as_of else [])]

    assert main([str(word) for word in words], lambda _: None) == REFUSED

    [(request, settings)] = asked
    assert request.as_of == (None if known_until is None else np.datetime64(known_until, "us"))
    assert settings.trusted == ("-x", "y")
