"""Pictures of writing answered by a model: read in windows, upright or turned."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfont.combine import SURE, among_labels, combined, p_unknown
from unfont.labels import COMMON, UNKNOWN, UNWRITTEN
from unfont.rank import Record, answer, check_options
from unfont.reading import Picture, Reading, Writing, cut, find

BATCH = 64  # pictures whose windows are in memory at a time: a page has thousands
FIRST = (1.0,)  # the scale at which all writing is read first, in windows side by side
CERTAIN = 0.995  # the probability that leaves no doubt: else it is read at all scales, in windows that overlap
CLEAR = 0.95  # a script with this probability: the picture is not turned to see whether it reads better
UPRIGHT = 10.0  # times the odds of a script that a picture must have turned: most are upright
ENOUGH = 0.6  # probability of a script that it must have turned: else what has no writing is turned until it has some
TALL = 1.2  # times its width: a picture higher than that may lie on its side
UPSIDE_DOWN, ON_ITS_SIDE = (180,), (90, 270, 180)  # degrees counter-clockwise that are tried


class Model(ABC):
    """What a picture is answered by.

    Attributes:
        card: what is known of it: `labels` in the order of the logits, `height`, `width` and `channels` of its crops,
            and the `target` that the labels are of.
        temperature: by which logits are divided before they become probabilities.
    """

    def __init__(self, card: dict[str, Any], *, temperature: float) -> None:
        self.card, self.temperature = card, temperature

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the probabilities."""
        labels: list[str] = self.card["labels"]
        return labels

    @property
    def target(self) -> str:
        """What the labels are of: `script`."""
        return str(self.card["target"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its crops."""
        return self.card["height"], self.card["width"], self.card["channels"]

    @abstractmethod
    def logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, labels] of crops uint8 [n, height, width], of three channels [..., 3]."""

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """softmax(logits / temperature), [n, labels], of crops as in `logits`."""
        logits = self.logits(crops).astype(np.float64) / self.temperature
        strong = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(strong / strong.sum(1, keepdims=True))


@dataclass(frozen=True)
class Seen:
    """A picture as a model saw it: turned by `degrees` counter-clockwise, its windows and their probabilities."""

    reading: Reading
    probabilities: NDArray[np.float64]  # [n, labels]
    degrees: int = 0


def answers(
    model: Model,
    pictures: Sequence[Picture],
    *,
    top: int = 3,
    among: Sequence[str] | None = None,
    abstain_below: float = 0.0,
) -> list[Record]:
    """`unfont.rank.answer` of each picture uint8 [height, width] or [..., 3], and `turned`: by how many degrees it was.

    Raises:
        UserError: an option is wrong.
    """
    check_options(model.labels, top=top, among=among, abstain_below=abstain_below)
    options: dict[str, Any] = {"target": model.target, "top": top, "among": among, "abstain_below": abstain_below}
    records = []
    for found in see(model, pictures, among=among):
        record = answer(found.probabilities, model.labels, length=found.reading.length, **options)
        records.append(record | ({"turned": found.degrees} if found.degrees else {}))
    return records


def see(model: Model, pictures: Sequence[Picture], *, among: Sequence[str] | None = None) -> list[Seen]:
    """Each picture as `model` reads it best: upright where that is clear, else also turned.

    A model with the label `Zxxx` reads writing, in windows. Other pictures, and those of a crop's very size, are shown
    whole, as they are.
    """
    batches = (pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH))
    return [one for batch in batches for one in _see(model, batch, among)]


def _see(model: Model, pictures: Sequence[Picture], among: Sequence[str] | None) -> list[Seen]:
    found = _seen(model, pictures)

    def clearness(one: Seen) -> float:
        return _clearness(one, model.labels, among)

    turned: list[tuple[int, int]] = []
    for number, (one, picture) in enumerate(zip(found, pictures, strict=True)):
        if one.reading.length is not None and clearness(one) < CLEAR:
            high, wide = picture.shape[:2]
            turned += [(number, degrees) for degrees in (ON_ITS_SIDE if high > TALL * wide else UPSIDE_DOWN)]
    return _better(found, turned, pictures, model, clearness)


def _better(
    found: list[Seen],
    turned: list[tuple[int, int]],
    pictures: Sequence[Picture],
    model: Model,
    clearness: Callable[[Seen], float],
) -> list[Seen]:
    """`found`, those that read better in one of the `turned` (number, degrees) replaced by that.

    Writing that looks unknown upright must be clear in the other: turned, a script that is not learned may look like
    one that is.
    """
    if not turned:
        return found
    views = [np.ascontiguousarray(np.rot90(pictures[number], degrees // 90)) for number, degrees in turned]
    best = list(found)
    odds = {number: UPRIGHT * _odds(clearness(found[number])) for number, _ in turned}
    for (number, degrees), one in zip(turned, _seen(model, views, lambda one: clearness(one) >= ENOUGH), strict=True):
        p, upright = clearness(one), found[number]
        unknown = p_unknown(upright.probabilities, model.labels, length=upright.reading.length) > 0.5
        if p >= (CLEAR if unknown else ENOUGH) and _odds(p) > odds[number]:
            odds[number], best[number] = _odds(p), Seen(one.reading, one.probabilities, degrees)
    return best


def _odds(p: float) -> float:
    return p / max(1 - p, 1e-9)


def _clearness(one: Seen, labels: Sequence[str], among: Sequence[str] | None) -> float:
    """The highest probability of a script, but for `Zzzz`: a known script upside down looks unknown."""
    windows, names = among_labels(one.probabilities, labels, among)
    found = combined(windows, names, length=one.reading.length)
    clear = (p for p, name in zip(found, names, strict=True) if name not in (UNWRITTEN, UNKNOWN))
    return float(max(clear, default=0.0))


def _seen(model: Model, pictures: Sequence[Picture], worth_more: Callable[[Seen], bool] | None = None) -> list[Seen]:
    """Each picture as it stands: at a first look, and read whole where that leaves a doubt, or is `worth_more`."""
    height, width, _ = model.shape
    worth_more = worth_more or (lambda one: not _is_certain(one, model.labels))
    found = [writing_of(model, picture) for picture in pictures]
    seen = _probable(model, [cut(one, height=height, width=width, scales=FIRST, overlap=0.0) for one in found])
    again = [number for number, one in enumerate(seen) if one.reading.length is not None and worth_more(one)]
    whole = _probable(model, [cut(found[number], height=height, width=width) for number in again])
    for number, one in zip(again, whole, strict=True):
        seen[number] = one
    return seen


def _is_certain(one: Seen, labels: Sequence[str]) -> bool:
    """Whether its windows leave no doubt and no other script."""
    surest = combined(one.probabilities, labels, length=one.reading.length).max()
    others = {labels[row.argmax()] for row in one.probabilities if row.max() >= SURE} - {UNWRITTEN, COMMON}
    return bool(surest >= CERTAIN) and len(others - {"Hani"}) <= 1


def _probable(model: Model, readings: list[Reading]) -> list[Seen]:
    if not readings:
        return []
    probabilities = model.probabilities(np.concatenate([reading.windows for reading in readings]))
    ends = np.cumsum([len(reading.windows) for reading in readings])[:-1]
    return [Seen(reading, part) for reading, part in zip(readings, np.split(probabilities, ends), strict=True)]


def writing_of(model: Model, picture: Picture) -> Writing:
    """The writing that `model` reads in windows; none where it takes a picture whole."""
    if UNWRITTEN not in model.labels or picture.shape[:2] == model.shape[:2]:
        return Writing(picture, [])
    return find(picture)
