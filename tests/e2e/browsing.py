"""Headless Chromium for the tests of pages: whether it is there, how it is started, and how a page is shown."""

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# In CI their lack is a failure, elsewhere a reason to skip.
NEEDS_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER) and not os.environ.get("CI"), reason="needs chromium and chromedriver"
    ),
]


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """A browser, with more command-line arguments, that logs what pages say and ask for; gone with the block."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def show(browser: Any, page: Path | str, *, width: int = 1280, dark: bool = False) -> None:
    """Open a page, a file or an address, at a width in pixels (below 500 as a phone does), by day or by night."""
    from selenium.webdriver.support.ui import WebDriverWait

    look(browser, width=width, dark=dark)
    browser.get(page if isinstance(page, str) else page.as_uri())
    # On a busy machine `get` may return while the page is still being read.
    WebDriverWait(browser, 60).until(lambda found: found.execute_script("return document.readyState") == "complete")


def look(browser: Any, *, width: int, dark: bool) -> None:
    """Show the page that is open at another width, by day or by night."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def photograph(browser: Any, name: str) -> None:
    """Keep the whole page as `name`.png in the folder that UNFONT_SCREENSHOTS names; nowhere without it."""
    folder = os.environ.get("UNFONT_SCREENSHOTS")
    if folder:
        found = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(found["data"]))


def grounds_of(browser: Any, page: Path | str) -> list[int]:
    """How bright the page's ground is by day and by night: the sum of its channels, 0 to 765."""
    grounds = []
    for dark in (False, True):
        show(browser, page, width=390, dark=dark)
        grounds.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    return [sum(int(part) for part in ground[4:-1].split(",")) for ground in grounds]
