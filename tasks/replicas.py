"""The trainings of one round: the round's own, and in a study further seeds and random controls beside it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.params import StudySettings

MINED, CONTROL = "mined", "control"


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One training of a round: `mined` adds false positives of the pool, `control` as many random crops of it."""

    seed: int
    arm: str

    @property
    def main(self) -> bool:
        """Whether it is the round's own training, on which everything later builds."""
        return self.arm == MINED and self.seed == 0

    @property
    def name(self) -> str:
        """`control-0`; empty for the round's own."""
        return "" if self.main else f"{self.arm}-{self.seed}"

    def folder(self, round_folder: Path) -> Path:
        """Where it lies in a round's folder."""
        return round_folder if self.main else round_folder / "study" / self.name

    def before(self, number: int) -> "Replica":
        """The training that this one, of round `number`, goes on from: a control of round 1 has the mined round 0."""
        return Replica(seed=self.seed, arm=MINED) if number <= 1 else self


def replicas_of(study: StudySettings, number: int) -> list[Replica]:
    """The trainings of round `number`: the round's own first, every control after the mined one of its seed.

    Round 0 has no controls: nothing was added yet.
    """
    arms = [MINED, CONTROL] if study.control and number > 0 else [MINED]
    return [Replica(seed=seed, arm=arm) for seed in range(study.seeds) for arm in arms]


def gather(parts: Mapping[Replica, Path], out: Path) -> None:
    """Put the folders of a round's trainings together at `out`, which is made."""
    for replica, part in parts.items():
        shutil.copytree(part, replica.folder(out))
