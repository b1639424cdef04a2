"""The search space of a sweep: modes of invariance, and values of the parameters that each of them uses."""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from models.invariance import modes_of
from models.settings import InvarianceSettings, parts_of
from unfont.errors import UserError

PARAMETERS = (  # of `InvarianceSettings`
    "strength",
    "head_learning_rate",
    "head_steps",
    "pair_weight",
    "coral_weight",
    "erased",
)
INTEGERS = ("head_steps", "erased")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A mode, and a value of every parameter that it uses, in the order of `PARAMETERS`."""

    mode: str
    parameters: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """`conditional,strength=0.3,head_learning_rate=10.0,head_steps=5`."""
        return ",".join([self.mode, *(f"{key}={value}" for key, value in self.parameters)])

    def of(self, invariance: InvarianceSettings) -> InvarianceSettings:
        """`invariance` with this mode alone, and these values."""
        return invariance.model_copy(update={"modes": [self.mode], **dict(self.parameters)})


@dataclass(frozen=True, kw_only=True)
class Space:
    """All that a sweep may try, each setting with `seeds` seeds.

    `values` has every parameter's values, ascending. A sweep tries all of them; one that is `sampled` samples between
    the first and the last, evenly in the logarithm.
    """

    modes: tuple[str, ...]
    values: Mapping[str, tuple[float, ...]]
    seeds: int
    sampled: bool

    @property
    def tried(self) -> dict[str, tuple[float, ...]]:
        """The values of the parameters that at least one mode uses."""
        matter = {key for mode in self.modes for key in parameters_of(mode)}
        return {key: self.values[key] for key in PARAMETERS if key in matter}

    @property
    def varied(self) -> list[str]:
        """The parameters of which more than one value is tried."""
        return [key for key, values in self.tried.items() if len(values) > 1]

    def name(self) -> str:
        """A hash of the space: 16 hexadecimal digits."""
        facts = [self.modes, self.tried, self.seeds, self.sampled]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    def grid(self) -> list[Setting]:
        """Every combination, a mode's own parameters alone: `erm` is one setting, however many strengths there are."""
        return [
            Setting(mode=mode, parameters=tuple(zip(parameters_of(mode), values, strict=True)))
            for mode in self.modes
            for values in itertools.product(*(self.values[key] for key in parameters_of(mode)))
        ]


def space_of(
    invariance: InvarianceSettings,
    *,
    modes: Sequence[str],
    values: Mapping[str, Sequence[float]],
    seeds: int,
    sampled: bool,
) -> Space:
    """The space of these `modes` and parameters' `values`; a parameter that is not named stays as `invariance` has it.

    Raises:
        UserError: there is no such mode, or it is named twice; a value is out of range; a parameter to be
            sampled begins at 0.
    """
    _check(invariance, "modes", list(modes))
    tried = {key: tuple(sorted(set(values.get(key, [getattr(invariance, key)])))) for key in PARAMETERS}
    for key, several in tried.items():
        for value in several:
            _check(invariance, key, value)
        if sampled and len(several) > 1 and several[0] == 0:
            raise UserError("a value is sampled from a range above 0", where=_option(key), fix="begin at 0.01, say")
    return Space(modes=tuple(modes), values=tried, seeds=seeds, sampled=sampled)


def parameters_of(mode: str) -> list[str]:
    """The parameters that change how `mode` trains the backbone, in the order of `PARAMETERS`."""
    pushes = any(part.adversarial for part in modes_of(mode))
    own = {"pairs": "pair_weight", "coral": "coral_weight", "erasure": "erased"}
    matter = {own[part] for part in parts_of(mode) if part in own}
    return [key for key in PARAMETERS if key in matter or (pushes and key not in own.values())]


def _check(invariance: InvarianceSettings, key: str, value: object) -> None:
    try:
        InvarianceSettings(**{**invariance.model_dump(), key: value})
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        fix = "give a value in range" if key in PARAMETERS else "name modes that there are, each once"
        raise UserError(f"{message}, got {value!r:.80}", where=_option(key), fix=fix) from error


def _option(key: str) -> str:
    return f"--{key.replace('_', '-')}"
