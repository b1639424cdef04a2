import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tasks.common.params import Params, read_params
from tests.conftest import ROOT
from unfont.errors import UserError

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


def test_modes_are_checked_without_torch():
    code = "import sys; from tasks.common.params import read_params; read_params(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


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
        ({"crops__others": 0.5}, "crops.others"),
        ({"tag__test_words": 1.5}, "tag.test_words"),
        ({"loss__name": "hinge"}, "loss.name"),
        ({"invariance__modes": ["erm", "hope"]}, "ascent, pairs, coral, erasure, bottleneck"),
        ({"invariance__modes": ["erm", "hope"]}, "invariance.modes.1"),
        ({"invariance__modes": ["pairs+pairs"]}, "names a mode twice"),
        ({"invariance__modes": ["erm+pairs"]}, "erm adds nothing to a sum"),
        ({"invariance__modes": ["pairs+coral", "coral+pairs"]}, "listed twice"),
        ({"invariance__modes": []}, "invariance.modes"),
        ({"invariance__head_steps": 0}, "invariance.head_steps"),
        ({"problem": "faces2"}, "choose one of"),
        ({"problem": "faces", "problems__faces__settings": {"train": {"epochz": 1}}}, "train.epochz"),
        ({"problem": "faces", "problems__faces__settings": {"rounds": {}}}, "problems.faces.settings.rounds"),
        ({"problem": "faces", "problems__faces__settings": {"seed": 1}}, "problems.faces.settings.seed"),
        (
            {"problem": "faces", "problems__faces__settings": {"invariance": {"modes": ["erm"]}}},
            "problems.faces.settings.invariance",
        ),
        ({"problem": "faces", "problems__faces__settings": 3}, "problems.faces.settings"),
        ({"problems__faces__source": "found"}, "problems.faces.source"),
        ({"problems__scripts": {"target": "script", "nuisances": [], "group": "design"}}, "problems.scripts.source"),
        ({"crops__mix__letter": 0.9, "crops__mix__two": 0.2}, "crops.mix"),
        ({"crops__mix__tight": 0.6, "crops__mix__loose": 0.6}, "crops.mix"),
        ({"rounds": {"1": {"previous": "2"}}}, "params"),
    ],
)
def test_a_wrong_key_or_value_is_one_line_that_names_it(tmp_path, change, where):
    with pytest.raises(UserError) as error:
        read_params(changed(tmp_path, **change))
    assert where in str(error.value)
    assert "\n" not in str(error.value)


def test_a_problem_lays_its_own_settings_over_the_common_ones(tmp_path):
    own = {"train": {"epochs": 9}, "crops": {"height": 60, "text": {"train": 3}}}
    common = read_params(changed(tmp_path, problems__faces__settings=own))
    faces = read_params(changed(tmp_path, problem="faces", problems__faces__settings=own))
    assert (faces.train.epochs, faces.crops.height, faces.crops.text.train) == (9, 60, 3)
    assert faces.crops.text.pool == common.crops.text.pool
    assert (common.train.epochs, common.crops.height) == (7, 32)
    assert (faces.home, faces.pictures) == (Path("data/faces"), Path("data/pictures/faces"))
    assert faces.labels.brings and not faces.labels.draws


@pytest.mark.parametrize("text", ["seed: [", "- a\n- b\n", "", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError):
        read_params(path)


def test_a_missing_file_says_where_to_stand(tmp_path):
    with pytest.raises(UserError, match="project's folder"):
        read_params(tmp_path / "params.yaml")
