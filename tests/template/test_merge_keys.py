"""Checkov reads no template in which a mapping repeats a key that it merges, and would check nothing."""

from collections.abc import Iterator

import pytest
import yaml

from tests.cluster import PROJECT

TEMPLATES = ("template.yaml", "pipeline.yaml", "deployment-roles.yaml")


def _repeated(node: yaml.Node) -> Iterator[str]:
    """Yield each key that a mapping has itself and from a mapping that it merges, with its line."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)
    elif isinstance(node, yaml.MappingNode):
        own = {key.value for key, _ in node.value}
        for key, value in node.value:
            if key.value == "<<":
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                names = {name.value for mapping in merged for name, _ in mapping.value}
                yield from (f"{name}, line {key.start_mark.line + 1}" for name in sorted(own & names))
            yield from _repeated(value)


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_mapping_repeats_a_key_that_it_merges(name: str) -> None:
    document = yaml.compose((PROJECT / name).read_text("utf-8"), yaml.SafeLoader)
    assert document is not None
    assert list(_repeated(document)) == []


def test_a_repeated_key_is_found() -> None:
    document = yaml.compose("A: &a {Key: 1}\nB: {<<: *a, Key: 2}\n", yaml.SafeLoader)
    assert document is not None
    assert list(_repeated(document)) == ["Key, line 2"]
