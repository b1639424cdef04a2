"""What a sweep tries: modes of invariance, and of the knobs that matter to each of them some values."""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from models.invariance import modes_of
from models.settings import InvarianceSettings, parts_of
from tasks.common.errors import UserError

KNOBS = ("strength", "head_learning_rate", "head_steps", "pair_weight", "coral_weight")  # of `InvarianceSettings`


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A mode, and a value of every knob that matters to it, in the order of `KNOBS`."""

    mode: str
    knobs: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """`conditional,strength=0.3,head_learning_rate=10.0,head_steps=5`."""
        return ",".join([self.mode, *(f"{knob}={value}" for knob, value in self.knobs)])

    def of(self, invariance: InvarianceSettings) -> InvarianceSettings:
        """`invariance` with this mode alone, and these values."""
        return invariance.model_copy(update={"modes": [self.mode], **dict(self.knobs)})


@dataclass(frozen=True, kw_only=True)
class Space:
    """All that a sweep may try, each setting with `seeds` seeds.

    `values` has every knob's values, ascending. A sweep tries all of them; one that is `sampled` draws between the
    first and the last, evenly in the logarithm.
    """

    modes: tuple[str, ...]
    values: Mapping[str, tuple[float, ...]]
    seeds: int
    sampled: bool

    @property
    def tried(self) -> dict[str, tuple[float, ...]]:
        """The values of the knobs that matter to one of the modes."""
        matter = {knob for mode in self.modes for knob in knobs_of(mode)}
        return {knob: self.values[knob] for knob in KNOBS if knob in matter}

    @property
    def varied(self) -> list[str]:
        """The knobs of which more than one value is tried."""
        return [knob for knob, values in self.tried.items() if len(values) > 1]

    def name(self) -> str:
        """The same where the same is tried: 16 hexadecimal digits."""
        facts = [self.modes, self.tried, self.seeds, self.sampled]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    def grid(self) -> list[Setting]:
        """Every combination, a mode's own knobs alone: `erm` is one setting, however many strengths there are."""
        return [
            Setting(mode=mode, knobs=tuple(zip(knobs_of(mode), values, strict=True)))
            for mode in self.modes
            for values in itertools.product(*(self.values[knob] for knob in knobs_of(mode)))
        ]


def space_of(
    invariance: InvarianceSettings,
    *,
    modes: Sequence[str],
    values: Mapping[str, Sequence[float]],
    seeds: int,
    sampled: bool,
) -> Space:
    """The space of these `modes` and knobs' `values`; a knob that is not named stays as `invariance` has it.

    Raises:
        UserError: there is no such mode, or it is named twice; a value is out of range; a knob to be
            sampled begins at 0.
    """
    _check(invariance, "modes", list(modes))
    tried = {knob: tuple(sorted(set(values.get(knob, [getattr(invariance, knob)])))) for knob in KNOBS}
    for knob, several in tried.items():
        for value in several:
            _check(invariance, knob, value)
        if sampled and len(several) > 1 and several[0] == 0:
            raise UserError("a value is drawn from a range above 0", where=_option(knob), fix="begin at 0.01, say")
    return Space(modes=tuple(modes), values=tried, seeds=seeds, sampled=sampled)


def knobs_of(mode: str) -> list[str]:
    """The knobs that change what `mode` teaches the backbone, in the order of `KNOBS`; heads that only watch do not."""
    pushes = any(part.pushes for part in modes_of(mode))
    own = {"pairs": "pair_weight", "coral": "coral_weight"}
    matter = {own[part] for part in parts_of(mode) if part in own}
    return [knob for knob in KNOBS if knob in matter or (pushes and knob not in own.values())]


def _check(invariance: InvarianceSettings, knob: str, value: object) -> None:
    try:
        InvarianceSettings(**{**invariance.model_dump(), knob: value})
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        fix = "give a value in range" if knob in KNOBS else "name modes that there are, each once"
        raise UserError(f"{said}, got {value!r:.80}", where=_option(knob), fix=fix) from error


def _option(knob: str) -> str:
    return f"--{knob.replace('_', '-')}"
