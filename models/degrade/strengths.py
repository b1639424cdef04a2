"""The largest strengths of a batch's crops. Training has kinds of crops: scans, strongly degraded ones, the others."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.degrade.seeds import Draw, Floats
from models.degrade.severities import SEVERITIES
from models.settings import AugmentSettings, DegradeSettings

SCANNED = ("wear", "halftone", "show_through", "speckle", "binarise")  # of scans alone
# Of all but scans:
UNSCANNED = ("colour", "invert", "shadow", "motion", "perspective", "outline", "relief", "ground", "light", "screen")
FRACTIONS = ("colour", "invert")  # their settings are fractions of the crops, not strengths


class Strengths:
    """The strengths of the settings in each crop: `kinds` are those of each kind, `which[batch]` the crops' kinds."""

    def __init__(self, kinds: Sequence[DegradeSettings], which: NDArray[np.int64]) -> None:
        self.kinds, self.which = kinds, which

    @classmethod
    def of_batch(cls, settings: DegradeSettings, draw: Draw) -> "Strengths":
        """All crops as `settings` say; where they are training's, of the kinds that follow from the seeds."""
        if not isinstance(settings, AugmentSettings):
            return cls([settings], np.zeros(len(draw.seeds), np.int64))
        return cls(kinds_of(settings), np.digitize(draw.unit("kind"), [settings.scan, settings.scan + settings.strong]))

    def largest(self, name: str) -> float:
        """Of all kinds, whether or not the batch has a crop of each: what follows from it is the same in any batch."""
        return float(max(getattr(kind, name) for kind in self.kinds))

    def each(self, name: str) -> Floats:
        """`[batch]`."""
        return np.array([getattr(kind, name) for kind in self.kinds], np.float64)[self.which]

    def rows(self, draws: Floats, fraction: float, name: str) -> NDArray[np.int64]:
        """Indices of the crops with `draws[batch]`, uniform in 0..1, below `fraction` and a strength above 0."""
        return np.flatnonzero((draws < fraction) & (self.each(name) > 0))


@lru_cache(maxsize=16)
def kinds_of(settings: AugmentSettings) -> tuple[DegradeSettings, DegradeSettings, DegradeSettings]:
    """The settings of scans, of strongly degraded crops and of the others.

    In a strongly degraded crop each strength that is above 0 is at least that of the severity `heavy`.
    """
    own = {name: getattr(settings, name) for name in DegradeSettings.model_fields}
    heavy = SEVERITIES["heavy"]
    usual = own | dict.fromkeys(SCANNED, 0.0)
    strengths = [name for name, strength in usual.items() if strength and name not in FRACTIONS]
    strong = usual | {name: max(own[name], getattr(heavy, name)) for name in strengths}
    scanned = own | dict.fromkeys(UNSCANNED, 0.0)
    # A kind that no crop is of widens no filter.
    kinds = scanned if settings.scan else usual, strong if settings.strong else usual, usual
    return DegradeSettings(**kinds[0]), DegradeSettings(**kinds[1]), DegradeSettings(**kinds[2])
