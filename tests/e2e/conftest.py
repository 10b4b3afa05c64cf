"""The order of the tests of the deployed application, which share one stack."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of a line without a champion: no test can take a promotion back."""
    items.sort(key=lambda item: item.get_closest_marker("without_champion") is None)
