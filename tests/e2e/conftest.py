"""What the tests of pages share: one browser."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.browsing import chromium


@pytest.fixture(scope="session")
def one_browser() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(one_browser: Any) -> Any:
    """The browser, without what it logged in another module's tests."""
    one_browser.get("about:blank")
    for log in ("browser", "performance"):
        one_browser.get_log(log)
    return one_browser
