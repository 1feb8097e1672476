"""What all tests share: the fast ones run first, so that a mistake is seen in seconds."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
