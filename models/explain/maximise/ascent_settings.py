"""Settings of activation maximisation: the paper's four, each regulariser alone, and random ones.

The paper is Yosinski et al. (2015), "Understanding Neural Networks Through Deep Visualization". Its numbers hold for
CaffeNet, whose images are 3 x 227 x 227 pixels of 0 to 255. Percentages, decay and steps mean the same everywhere,
and so do pixels of blur; rates do not, and `models.explain.maximise.ascent` tells how they are carried over.
"""

import math
from collections.abc import Sequence
from functools import partial

import torch
from pydantic import Field
from torch import Tensor

from models.settings import Settings


class AscentSettings(Settings):
    """`progress` None: a constant rate of ascent; else steps aim for so much activation, at most at `rate`."""

    steps: int = Field(default=500, ge=1, le=100_000)
    rate: float = Field(default=100.0, gt=0)  # of the paper's pixels: change a step, per unit of gradient
    progress: float | None = Field(default=None, gt=0)  # of CaffeNet's activation, a step
    decay: float = Field(default=0.0, ge=0, lt=1)  # fraction that every pixel loses each step
    blur_width: float = Field(default=0.0, ge=0, le=64)  # standard deviation, pixels
    blur_every: int = Field(default=0, ge=0)  # steps; 0: never
    norm_percent: float = Field(default=0.0, ge=0, le=100)  # of the pixels: those with the smallest norm go to 0
    contribution_percent: float = Field(default=0.0, ge=0, le=100)  # and those that contribute least
    jitter: int = Field(default=0, ge=0, le=64)  # pixels by which the image is moved at most, anew each step

    @property
    def regularisers(self) -> frozenset[str]:
        """Names of those that are on."""
        blur = self.blur_width if self.blur_every else 0
        strengths = {"decay": self.decay, "blur": blur, "norm": self.norm_percent, "jitter": self.jitter}
        strengths["contribution"] = self.contribution_percent
        return frozenset(name for name, strength in strengths.items() if strength)


# Table 1 of the paper, row by row, with rates and steps of its figures; named after the main regulariser of each.
PAPER: dict[str, AscentSettings] = {
    "norm": AscentSettings(progress=2.0, blur_width=0.5, blur_every=4, norm_percent=50.0, steps=500),
    "decay": AscentSettings(decay=0.3, norm_percent=20.0, steps=750),
    "blur": AscentSettings(decay=1e-4, blur_width=1.0, blur_every=4, steps=1000),
    "contribution": AscentSettings(
        rate=1e8, progress=2.0, blur_width=0.5, blur_every=4, contribution_percent=90.0, steps=1000
    ),
}

# Five strengths of each regulariser, weak to strong, from hardly visible to too much.
STRENGTHS: dict[str, list[dict[str, float | int]]] = {
    "decay": [{"decay": decay} for decay in (1e-3, 1e-2, 0.05, 0.2, 0.5)],
    "blur": [{"blur_width": width, "blur_every": 4} for width in (0.3, 0.5, 0.75, 1.0, 1.5)],
    "norm": [{"norm_percent": percent} for percent in (10.0, 30.0, 50.0, 70.0, 90.0)],
    "contribution": [{"contribution_percent": percent} for percent in (10.0, 30.0, 50.0, 70.0, 90.0)],
    "jitter": [{"jitter": pixels} for pixels in (1, 2, 3, 4, 6)],
}


def in_steps(settings: AscentSettings, steps: int) -> AscentSettings:
    """The same optimisation in `steps` steps: with half the steps, each is twice as long."""
    longer = settings.steps / steps
    progress = None if settings.progress is None else settings.progress * longer
    return settings.model_copy(update={"steps": steps, "rate": settings.rate * longer, "progress": progress})


def alone(base: AscentSettings) -> dict[str, list[AscentSettings]]:
    """`base` with each regulariser alone at five strengths, weak to strong; and under `none` without any."""
    plain = AscentSettings(steps=base.steps, rate=base.rate, progress=base.progress)
    sheets = {name: [plain.model_copy(update=change) for change in changes] for name, changes in STRENGTHS.items()}
    return {"none": [plain]} | sheets


def random_settings(count: int, *, seed: int) -> list[AscentSettings]:
    """`count` settings sampled from the ranges of `_sampled`, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return [_sampled(generator) for _ in range(count)]


def _sampled(generator: torch.Generator) -> AscentSettings:
    """Each regulariser is on in two of three; strengths reach from hardly visible to too much, as in `STRENGTHS`."""

    def between(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))

    def scaled(low: float, high: float) -> float:  # uniform in its logarithm
        return math.exp(between(math.log(low), math.log(high)))

    def one_of(values: Sequence[int]) -> int:
        return values[int(between(0, len(values)))]

    def on() -> bool:
        return between(0, 1) < 2 / 3

    blurs = on()
    return AscentSettings(
        steps=one_of((500, 750, 1000)),
        rate=scaled(30, 1000),
        progress=scaled(0.5, 8) if between(0, 1) < 0.5 else None,
        decay=scaled(1e-4, 0.5) if on() else 0.0,
        blur_width=between(0.3, 1.5) if blurs else 0.0,
        blur_every=one_of((2, 3, 4, 6, 8)) if blurs else 0,
        norm_percent=between(5, 90) if on() else 0.0,
        contribution_percent=between(5, 95) if on() else 0.0,
        jitter=one_of((1, 2, 3, 4)) if on() else 0,
    )


class Columns:
    """Settings of a batch as tensors `[batch]`, so that each sample has its own; all take as many steps."""

    def __init__(self, settings: Sequence[AscentSettings], device: torch.device | None = None) -> None:
        column = partial(torch.tensor, device=device)
        (self.steps,) = {one.steps for one in settings}
        self.rate = column([one.rate for one in settings])
        self.progress = column([math.inf if one.progress is None else one.progress for one in settings])
        self.decay = column([one.decay for one in settings])
        self.blur_width = column([one.blur_width for one in settings])
        self.blur_every = column([one.blur_every for one in settings])
        self.norm_percent = column([one.norm_percent for one in settings])
        self.contribution_percent = column([one.contribution_percent for one in settings])
        self.jitter = column([one.jitter for one in settings])

    def blurred_at(self, step: int) -> Tensor:
        """Numbers of the samples that are blurred after step `step`, the first included as the paper's code does."""
        due = step % self.blur_every.clamp_min(1) == 0
        return torch.nonzero(due & (self.blur_every > 0) & (self.blur_width > 0)).flatten()
