"""The live page of the reported project, over a real server, in a browser with a webcam."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from apps.live.server import make_app
from tasks.live.engine import Engine
from tasks.live.report_units import UnitReport
from tasks.live.typed import FontBook
from tests.apps.live.conftest import served
from tests.e2e.browsing import chromium, show
from tests.e2e.live.page import until
from tests.toyreport import REPORTED
from tests.toytables import make_toy_tables

CAMERA = (64, 96)  # height and width of the fake webcam's frames


def write_camera(path: Path) -> None:
    """Frames for the fake webcam: a dark bar on white, at another place in each (YUV4MPEG2)."""
    height, width = CAMERA
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(20):
            bright = np.full((height, width), 250, np.uint8)
            bright[20:44, 4 * number : 4 * number + 8] = 10
            file.write(b"FRAME\n" + bright.tobytes() + bytes([128]) * (height * width // 2))


@pytest.fixture(scope="session")
def toy_tables(tmp_path_factory):
    return make_toy_tables(tmp_path_factory.mktemp("live-fonts"))


@pytest.fixture(scope="module")
def engine(reported_project, toy_tables, tmp_path_factory):
    """Of a copy: the page can keep crops in it."""
    project = shutil.copytree(reported_project, tmp_path_factory.mktemp("live") / "project")
    names = {"round-0": "rounds/0", **{mode: f"invariance/{mode}" for mode in REPORTED.invariance.modes}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        yield Engine(
            {name: REPORTED.home / path for name, path in reversed(names.items())},
            params=REPORTED,
            book=FontBook(toy_tables["fonts"], toy_tables["words"]),
            report=UnitReport.of_project(REPORTED),
        )


@pytest.fixture(scope="module")
def address(engine):
    with served(make_app(engine, threads=1)) as found:
        yield f"http://{found}/"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    camera = tmp_path_factory.mktemp("camera") / "camera.y4m"
    write_camera(camera)
    fake = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}")
    with chromium(*fake, "--use-fake-ui-for-media-stream") as found:  # a fake screen too: a dial that turns
        yield found


@pytest.fixture
def page(browser, address):
    show(browser, address)
    until(browser, "return document.querySelectorAll('.grid').length === 1")
    browser.get_log("browser")
    yield browser
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
