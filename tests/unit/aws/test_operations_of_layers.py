"""The layer of all functions contains the model of every operation of Systems Manager that the code calls."""

import re
from pathlib import Path

LAYERS = Path(__file__).parents[3] / "layers"


def test_the_layer_keeps_every_operation_that_the_code_calls() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (LAYERS / "core" / "claimwatch").rglob("*.py"))
    called = set(re.findall(r"ssm\.([a-z]+_[a-z_]+)\(", code)) - {"get_paginator"}
    called |= set(re.findall(r"ssm\.get_paginator\(\"([a-z_]+)\"\)", code))
    assert len(called) >= 4
    operations = {f"ssm:{name.title().replace('_', '')}" for name in called}
    kept = set(re.findall(r"ssm:\w+", (LAYERS / "platform" / "Makefile").read_text("utf-8")))
    assert operations <= kept
