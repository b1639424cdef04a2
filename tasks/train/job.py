"""One training of a stage: its settings and paths; and how a stage's trainings become its output."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.common.files import write_json, written_whole
from tasks.common.params import Params
from tasks.common.progress import Progress
from tasks.train.replicas import Replica

log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """One training: its settings and paths; `scratch` is where all trainings of its stage work.

    One that an interrupted run has finished stays at `out`, and is not trained again.
    """

    params: Params
    replica: Replica
    table: Path
    scratch: Path
    progress: Progress = log.info

    @property
    def work(self) -> Path:
        """This training's own scratch."""
        return self.scratch / self.replica.key

    @property
    def out(self) -> Path:
        """Where it writes its folder, until the stage's are put together."""
        return self.out_of(self.replica)

    def out_of(self, replica: Replica) -> Path:
        """Where any training of the same stage writes."""
        return self.scratch / replica.key / "trained"


def gather(jobs: Sequence[TrainingJob], *, out: Path, facts: Mapping[str, Any] | None = None) -> None:
    """Put a stage's trainings together at `out`, each in its replica's folder, and clear their scratch.

    Args:
        facts: of JSON files of the stage's own training, by name, what they hold once all trainings are known.
    """
    with written_whole(out) as folder:
        for job in jobs:
            shutil.copytree(job.out, job.replica.folder(folder))
        for name, content in (facts or {}).items():
            write_json(folder / name, content)
    shutil.rmtree(jobs[0].scratch, ignore_errors=True)
