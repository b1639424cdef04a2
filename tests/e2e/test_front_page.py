"""The page that `unfont ui` opens on, in a real browser: it fits, its links work, and names are text."""

import contextlib
import socket

import pytest

from apps.front import make_front, serving
from tasks.common.mlflow_store import client, experiment_of, use_store
from tests.e2e.browsing import NEEDS_BROWSER, grounds_of, show
from tests.ports import free_ports
from tests.toyhome import toy_params

pytestmark = NEEDS_BROWSER
HOSTILE = '</style><script>document.title = "taken"</script><b>"bold"'
PARAMS = toy_params()


@pytest.fixture
def address(store):
    """The page over a store that has a run, and an experiment whose name is markup; a report of one line."""
    use_store()
    client().create_experiment(HOSTILE)
    (PARAMS.home / "report").mkdir(parents=True)
    (PARAMS.home / "report" / "index.html").write_text("<title>the report</title>", encoding="utf-8")
    port, mlflow, prefect = free_ports(3)
    app = make_front(PARAMS, names=["127.0.0.1"], mlflow_port=mlflow, prefect_port=prefect)
    with serving(app, "127.0.0.1", port):
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield f"http://127.0.0.1:{port}"


def test_it_fits_names_are_text_and_the_report_opens(browser, address):
    runs = experiment_of(PARAMS.problem)
    for width in (1280, 390):
        show(browser, f"{address}/", width=width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.title == f"{PARAMS.problem} · unfont"
    assert browser.execute_script("return document.scripts.length") == 0
    assert browser.find_elements("css selector", "main b") == []
    first, *others = browser.find_elements("css selector", "main a")
    assert first.text == "Training runs" and first.get_attribute("href").endswith(f"/#/experiments/{runs}/runs")
    assert HOSTILE in [link.text for link in others]
    assert [entry for entry in browser.get_log("browser") if "favicon" not in entry["message"]] == []
    browser.find_element("link text", "Report").click()
    assert browser.title == "the report"


def test_it_is_dark_at_night(browser, address):
    light, dark = grounds_of(browser, f"{address}/")
    assert light > 600 and dark < 150
