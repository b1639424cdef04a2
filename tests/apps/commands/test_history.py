import json

import pytest
import yaml
from PIL import Image

from apps.commands.look import history
from tasks.crop_table.shards import read_rows
from tests.tasks.toycrops import make_toy_table, toy_params
from unfont.errors import UserError


@pytest.fixture
def key(here) -> str:
    """A project with a table alone; a key of it."""
    params = toy_params()
    table = make_toy_table(here / "data/scripts/table")
    (here / "params.yaml").write_text(yaml.safe_dump(params.model_dump()), encoding="utf-8")
    return read_rows(table, ["key"], ["pool"])["key"][0]


def test_a_story_is_printed_below_its_picture_and_the_picture_saved(here, key, capsys):
    history(key[:8], picture=here / "crop.png", output_format="table")
    said = capsys.readouterr().out
    assert said.isascii() and "\x1b" not in said  # stdout is no terminal
    assert f"\n{key}, a crop of 'scripts'\n" in said
    assert Image.open(here / "crop.png").size == (4 * 48, 4 * 16)


def test_a_story_is_json_for_programs(key, capsys):
    history(key, picture=None, output_format="json")
    story = json.loads(capsys.readouterr().out)
    assert (story["key"], story["crop"]["split"]) == (key, "pool")


def test_where_the_picture_cannot_be_saved_nothing_is_told(here, key, capsys):
    with pytest.raises(UserError, match=r"ends in \.png"):
        history(key, picture=here / "crop.gif", output_format="table")
    assert capsys.readouterr().out == ""
    assert not (here / "crop.gif").exists()
