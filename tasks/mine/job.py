"""One training of a round: what it is told, where its files lie, and whether the rounds have ended before it."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.common.errors import UserError
from tasks.common.files import read_json
from tasks.common.params import Params
from tasks.train.loop import Progress
from tasks.train.replicas import CONTROL, MINED, Replica, replicas_of

STOPPED_BEFORE, NO_GAIN = "an earlier round stopped", "the last gain was within its spread"
log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class RoundJob:
    """One training of a round: its settings and places.

    `previous` is the folder of the round before, `scratch` where all trainings of this round work.
    """

    params: Params
    number: int
    replica: Replica
    table: Path
    previous: Path
    scratch: Path
    progress: Progress = log.info

    @property
    def control(self) -> bool:
        return self.replica.arm == CONTROL

    @property
    def work(self) -> Path:
        """This training's own scratch: its checkpoints and its scores."""
        return self.scratch / (self.replica.name or MINED)

    @property
    def out(self) -> Path:
        """Where it writes its folder, until the round is put together."""
        return self.work / "round"

    def beside(self, replica: Replica) -> "RoundJob":
        """Another training of the same round."""
        return replace(self, replica=replica)

    @property
    def before(self) -> Path:
        """The model that it goes on from."""
        return self.replica.before(self.number).folder(self.previous)

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
            number=number,
            replica=replica,
            table=table,
            previous=previous,
            scratch=work,
        )
        for replica in replicas_of(params.study, number)
    ]
    for job in jobs:
        if not job.before.is_dir():
            what = f"round {number} needs the model of the round before it"
            raise UserError(what, where=job.before, mend="run that one first")
    return jobs
