from pathlib import Path

from tasks.train.job import TrainingJob, gather
from tasks.train.replicas import replicas_of
from tests.tasks.toycrops import toy_params

STUDY = toy_params(study={"seeds": 2, "control": True})


def test_a_stages_trainings_lie_together_and_their_scratch_is_gone(tmp_path: Path):
    paths = {"table": tmp_path / "table", "scratch": tmp_path / "scratch"}
    jobs = [TrainingJob(params=STUDY, replica=replica, **paths) for replica in replicas_of(STUDY.study, 1)]
    for number, job in enumerate(jobs):
        job.out.mkdir(parents=True)
        (job.out / "model").write_text(str(number))
    out = tmp_path / "round"
    gather(jobs, out=out, facts={"round.json": {"gain": 1}})
    found = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if path.is_file()}
    assert found == {
        "model": "0", "study/control-0/model": "1", "study/mined-1/model": "2", "study/control-1/model": "3",
        "round.json": found["round.json"],
    }  # fmt: skip
    assert '"gain": 1' in found["round.json"]
    assert not (tmp_path / "scratch").exists()
