from pathlib import Path

import pytest
import yaml

from tasks.errors import UserError
from tasks.params import Params, read_params
from tests.conftest import ROOT

COMMITTED = ROOT / "params.yaml"


def changed(folder: Path, **sections) -> Path:
    values = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    for dotted, value in sections.items():
        *parents, key = dotted.split("__")
        section = values
        for parent in parents:
            section = section[parent]
        section[key] = value
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def test_the_committed_file_is_valid_and_frozen():
    params = read_params(COMMITTED)
    assert params.home == Path("data/scripts")
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 1


def test_every_settings_class_has_its_home_in_the_committed_file():
    values = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    assert set(values) == set(Params.model_fields)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"train__epochz": 3}, "train.epochz"),
        ({"train__epochs": 0}, "train.epochs"),
        ({"train__epochs": "3"}, "train.epochs"),
        ({"threads": 0}, "threads"),
        ({"tag__test_words": 1.5}, "tag.test_words"),
        ({"loss__name": "hinge"}, "loss.name"),
        ({"problem": "faces2"}, "params"),
        ({"rounds": {"1": {"previous": "2"}}}, "params"),
    ],
)
def test_a_wrong_key_or_value_is_one_line_that_names_it(tmp_path, change, where):
    with pytest.raises(UserError) as error:
        read_params(changed(tmp_path, **change))
    assert where in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["seed: [", "- a\n- b\n", "", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError):
        read_params(path)


def test_a_missing_file_says_where_to_stand(tmp_path):
    with pytest.raises(UserError, match="project's folder"):
        read_params(tmp_path / "params.yaml")
