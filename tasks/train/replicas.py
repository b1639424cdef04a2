"""The trainings of one stage: its own, in a study those with further seeds, and the random controls of a round."""

from dataclasses import dataclass
from pathlib import Path

from tasks.common.params import StudySettings

MINED, CONTROL, SEED = "mined", "control", "seed"


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One training: of a round `mined` adds false positives of the pool, `control` as many random crops of it.

    Of a mode of invariance every training is a `seed`.
    """

    seed: int
    arm: str

    @property
    def main(self) -> bool:
        """Whether it is the stage's own training, which later stages use."""
        return self.arm != CONTROL and self.seed == 0

    @property
    def key(self) -> str:
        """`control-0`: its name in scratch."""
        return f"{self.arm}-{self.seed}"

    @property
    def name(self) -> str:
        """Its name in the output, which is the key; empty for the stage's own."""
        return "" if self.main else self.key

    def folder(self, whole: Path) -> Path:
        """Its folder in that of its round or mode."""
        return whole if self.main else whole / "study" / self.name

    def before(self, number: int) -> "Replica":
        """The training that this one, of round `number`, goes on from: a control of round 1 has the mined round 0."""
        return self.mined if number <= 1 else self

    @property
    def mined(self) -> "Replica":
        """The mined training of the same seed."""
        return Replica(seed=self.seed, arm=MINED)


def replicas_of(study: StudySettings, number: int) -> list[Replica]:
    """The trainings of round `number`: the round's own first, every control after the mined one of its seed.

    Round 0 has no controls: nothing is added yet.
    """
    arms = [MINED, CONTROL] if study.control and number > 0 else [MINED]
    return [Replica(seed=seed, arm=arm) for seed in range(study.seeds) for arm in arms]


def seeds_of(study: StudySettings) -> list[Replica]:
    """The trainings of a mode of invariance, one a seed, the stage's own first."""
    return [Replica(seed=seed, arm=SEED) for seed in range(study.seeds)]
