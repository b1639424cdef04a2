import shutil

import pytest
import yaml

from apps.profiles import apply_profile, profiles
from tasks.common.params import read_params
from tests.conftest import ROOT
from unfont.errors import UserError


@pytest.fixture
def project(here):
    shutil.copy(ROOT / "params.yaml", here)
    shutil.copytree(ROOT / "profiles", here / "profiles")
    return here


def write_profile(folder, name: str, overrides: dict) -> None:
    text = yaml.safe_dump({"cost": "nothing", "overrides": overrides})
    (folder / "profiles" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_each_profile_has_its_cost_and_default_undoes_the_others(project):
    default = next(profile for profile in profiles() if profile.name == "default")
    before = read_params()
    for profile in profiles():
        assert profile.cost
        assert set(profile.overrides) <= set(default.overrides)
        apply_profile(profile.name)
        assert read_params().profile == profile.name
        apply_profile("default")
        assert read_params() == before
        assert (project / "params.yaml").read_text() == (ROOT / "params.yaml").read_text()


def test_lines_that_a_profile_does_not_change_stay_as_they_are(project):
    changes = apply_profile("full")
    lines = [path.read_text().splitlines() for path in (ROOT / "params.yaml", project / "params.yaml")]
    changed = [now for before, now in zip(*lines, strict=True) if before != now]
    assert 0 < len(changed) <= len(changes)
    assert not any(line.endswith(" ") for line in changed)


def test_a_profile_changes_its_keys_and_keeps_the_comments(project):
    write_profile(project, "long", {"train.epochs": 99, "crops.text.train": 5})
    changed = apply_profile("long")
    params = read_params()
    assert (params.train.epochs, params.crops.text.train, params.profile) == (99, 5, "long")
    assert len(changed) == 3
    comments = [
        line.split("#", 1)[1] for line in (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines() if "#" in line
    ]
    after = (project / "params.yaml").read_text(encoding="utf-8")
    assert all(comment in after for comment in comments)


@pytest.mark.parametrize("overrides", [{"train.epochs": -1}, {"train.epochs": "many"}])
def test_a_profile_with_a_wrong_value_changes_nothing(project, overrides):
    write_profile(project, "wrong", overrides)
    before = (project / "params.yaml").read_bytes()
    with pytest.raises(UserError):
        apply_profile("wrong")
    assert (project / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["none", "../params", ""])
def test_an_unknown_profile_names_the_known(project, name):
    with pytest.raises(UserError, match="default"):
        apply_profile(name)


def test_a_profile_with_an_unknown_key_is_refused(project):
    write_profile(project, "wrong", {"train.epochz": 1})
    with pytest.raises(UserError, match="epochz"):
        apply_profile("wrong")
