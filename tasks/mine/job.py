"""One training of a round, and whether the rounds have ended before it."""

from dataclasses import dataclass
from pathlib import Path

from tasks.common.files import read_json
from tasks.common.params import Params
from tasks.train.job import TrainingJob
from tasks.train.replicas import CONTROL, replicas_of
from unfont.errors import UserError

STOPPED_BEFORE, NO_GAIN = "an earlier round stopped", "the last gain was within its spread"


@dataclass(frozen=True, kw_only=True)
class RoundJob(TrainingJob):
    """One training of a round.

    `previous` is the folder of the round before, `start` the model in it that this training goes on from.
    """

    number: int
    previous: Path
    start: Path

    @property
    def control(self) -> bool:
        return self.replica.arm == CONTROL

    @property
    def scores(self) -> Path:
        return self.work / "scores.parquet"

    def stop(self) -> str | None:
        """Why the rounds end before this one, if they do."""
        path = self.previous / "round.json"
        if not path.exists():
            return None
        facts = read_json(path)
        if facts["stopped"]:
            return STOPPED_BEFORE
        ended = self.params.study.stop and facts["gain"] is not None and not facts["gain"]["pays"]
        return NO_GAIN if ended else None


def round_jobs(params: Params, *, number: int, table: Path, previous: Path, work: Path) -> list[RoundJob]:
    """The trainings of round `number`, in the order in which they must run.

    Raises:
        UserError: the previous round is missing, or was made without a training that the study asks for.
    """
    jobs = [
        RoundJob(
            params=params,
            replica=replica,
            table=table,
            scratch=work,
            number=number,
            previous=previous,
            start=replica.before(number).folder(previous),
        )
        for replica in replicas_of(params.study, number)
    ]
    for job in jobs:
        if not job.start.is_dir():
            what = f"round {number} needs the model of the round before it"
            raise UserError(what, where=job.start, fix="run that one first")
    return jobs
