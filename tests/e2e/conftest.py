"""What the tests of pages share: one browser a module."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.browsing import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as driver:
        yield driver
