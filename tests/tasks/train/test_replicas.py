from pathlib import Path

from tasks.common.params import StudySettings
from tasks.train.replicas import replicas_of, seeds_of

ALONE = StudySettings(seeds=1, control=False, stop=False)
STUDY = StudySettings(seeds=2, control=True, stop=False)


def names(study: StudySettings, number: int) -> list[str]:
    return [replica.name for replica in replicas_of(study, number)]


def test_a_round_has_one_training_and_in_a_study_more():
    assert names(ALONE, 1) == [""]
    assert names(STUDY, 0) == ["", "mined-1"]
    assert names(STUDY, 1) == ["", "control-0", "mined-1", "control-1"]


def test_a_training_goes_on_from_its_own_and_the_first_control_from_the_mined_one():
    main, control, _, other = replicas_of(STUDY, 1)
    assert [each.before(1).name for each in (main, control, other)] == ["", "", "mined-1"]
    assert [each.before(2).name for each in (main, control, other)] == ["", "control-0", "control-1"]


def test_a_mode_is_trained_once_a_seed_from_the_mined_round_of_that_seed(tmp_path: Path):
    assert [replica.name for replica in seeds_of(ALONE)] == [""]
    assert [replica.name for replica in seeds_of(STUDY)] == ["", "seed-1"]
    assert [replica.folder(tmp_path) for replica in seeds_of(STUDY)] == [tmp_path, tmp_path / "study" / "seed-1"]
    assert [replica.mined.name for replica in seeds_of(STUDY)] == ["", "mined-1"]
