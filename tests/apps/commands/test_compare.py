import json

import pytest

from apps.commands.look import COMPARED, compare
from tasks.train.card import weights_of
from tests.toyhome import make_toy_project, toy_params
from unfont.errors import UserError

PARAMS = toy_params(compare=toy_params().compare.model_dump() | {"batch": 8})


@pytest.fixture
def home(here):
    make_toy_project(here, params=PARAMS)
    return PARAMS.home


def test_the_verdict_is_printed_and_the_page_written(home, capsys):
    compare("round-0", "erm", page=None, prune=True, output_format="table")
    said = capsys.readouterr()
    assert said.out.startswith("round-0 and erm did not learn the same: ")
    assert "\nround-0: " in said.out and "\nerm: " in said.out
    first, second = weights_of(home / "rounds/0"), weights_of(home / "invariance/erm")
    page = COMPARED / f"{first[:12]}-{second[:12]}.html"
    assert said.err == f"page: {page}\n"
    assert first in page.read_text(encoding="utf-8")


def test_programs_get_json_alone(home, here, capsys):
    compare("round-0", str(home / "rounds/1"), page=here / "a.html", prune=True, output_format="json")
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["same"], numbers["first"]) == (False, "round-0")
    assert list(numbers["redundancy"]) == ["round-0", str(home / "rounds/1")]


def test_wrong_input_is_refused_before_any_work(home, here):
    with pytest.raises(UserError, match=r"there is no model 'round-7'.*round-0, round-1, round-2, erm"):
        compare("round-0", "round-7", page=None, prune=False, output_format="table")
    (here / "pages").mkdir()
    for page, said in ((here / "pages", "this is a folder"), (here / "page.png", "a page is an HTML file")):
        with pytest.raises(UserError, match=said):
            compare("round-0", "erm", page=page, prune=False, output_format="table")
    assert (here / "pages").is_dir()
