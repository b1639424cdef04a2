import pytest

from tasks.choose import choice_of, choose_model, read_choice
from tasks.errors import UserError
from tasks.files import sha256_of, write_json


def test_the_most_accurate_is_chosen_and_of_equals_the_first():
    assert choose_model({"round-0": 0.8, "round-1": 0.9, "erm": 0.9}) == "round-1"
    assert choose_model({"round-0": None, "round-1": 0.1}) == "round-1"


def test_without_any_validation_nothing_is_chosen():
    with pytest.raises(UserError, match="validation has no text crops"):
        choose_model({"round-0": None})


def test_a_choice_is_read_as_it_was_written(here):
    folder = here / "home" / "rounds" / "3"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    choice = choice_of("round-3", folder=folder, home=here / "home", value=0.5)
    write_json(here / "home" / "chosen.json", choice)
    assert read_choice(here / "home") == choice
    assert (choice["path"], choice["weights"]) == ("rounds/3", sha256_of(folder / "model.safetensors"))


def test_no_choice_is_none_and_a_damaged_one_says_so(here):
    assert read_choice(here) is None
    for content in ("{", "[]", '{"name": "erm"}', '{"name": 1, "path": "x", "weights": "y"}'):
        (here / "chosen.json").write_text(content)
        with pytest.raises(UserError, match="does not read"):
            read_choice(here)
