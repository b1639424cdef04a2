import json

import pytest
import typer

from apps.commands.look import explain
from tasks.crop_table.png import encode_png
from tasks.crop_table.shards import read_images
from tests.toyhome import make_toy_project, toy_params
from unfont.errors import UserError

QUICK = {"steps": 4, "parts": 2, "randomised": 1}
PARAMS = toy_params(attribution=toy_params().attribution.model_dump() | QUICK)


@pytest.fixture
def files(here):
    """A picture and a file that is none, in a project with a chosen model."""
    make_toy_project(here, params=PARAMS)
    (here / "word.png").write_bytes(encode_png(read_images(PARAMS.home / "table", ["test_seen"])[0][0]))
    (here / "notes.txt").write_text("notes")
    return [here / "word.png", here / "notes.txt"]


def status(files, **options):
    with pytest.raises(typer.Exit) as end:
        explain(files, **options)
    return end.value.exit_code


def test_a_picture_gets_a_line_and_a_card_and_another_file_a_reason(files, here, capsys):
    assert status(files, model="champion", out=here / "a.html", output_format="table") == 2
    said = capsys.readouterr()
    assert str(files[0]) in said.out.splitlines()[1]
    page, problem = said.err.splitlines()
    assert page == f"page: {here / 'a.html'}"
    assert problem.startswith("unfont: this is no picture") and "notes.txt" in problem
    assert (here / "a.html").read_text(encoding="utf-8").count('class="picture"') == 1


def test_any_model_by_name_can_be_asked_and_json_is_for_programs(files, here, capsys):
    assert status(files[:1], model="round-1", out=here / "a.html", output_format="json") == 0
    numbers = json.loads(capsys.readouterr().out)
    assert [picture["picture"] for picture in numbers["pictures"]] == [str(files[0])]


def test_where_nothing_can_be_read_there_is_no_page(files, here, capsys):
    assert status(files[1:], model="champion", out=here / "a.html", output_format="table") == 2
    assert capsys.readouterr().out == "" and not (here / "a.html").exists()
    with pytest.raises(UserError, match="there is no model 'erm '"):
        explain(files, model="erm ", out=here / "a.html", output_format="table")
