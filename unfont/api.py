"""The library: `identify`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unfont.answers import BATCH, Model, answers
from unfont.errors import UserError
from unfont.model import champion
from unfont.picture import picture_of, picture_of_array, picture_of_image, read_picture
from unfont.rank import Record, check_options
from unfont.reading import Picture

Source = str | Path | bytes | Image.Image | NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Which script a picture is written in.

    Attributes:
        script: its ISO 15924 code, `Zxxx` where nothing is written, `mixed` where there are several; None where the
            probability is below `abstain_below`.
        p: the answer's probability.
        top: the likeliest scripts with their probabilities, the first one first.
        windows: how many windows of the picture spoke.
        agree: how many of them have the answer (or, of a mixed picture, one of its scripts) as their likeliest script.
        shares: the scripts of a mixed picture, with their shares of its windows; {} of any other.
        turned: degrees counter-clockwise that the picture was turned by to be read.
    """

    script: str | None
    p: float
    top: tuple[tuple[str, float], ...]
    windows: int
    agree: int
    shares: dict[str, float] = field(default_factory=dict)
    turned: int = 0


@overload
def identify(
    image: list[Source] | tuple[Source, ...],
    *,
    among: Sequence[str] | None = None,
    top: int = 3,
    abstain_below: float = 0.0,
    model: Model | None = None,
) -> list[Answer]: ...


@overload
def identify(
    image: Source,
    *,
    among: Sequence[str] | None = None,
    top: int = 3,
    abstain_below: float = 0.0,
    model: Model | None = None,
) -> Answer: ...


def identify(
    image: Source | list[Source] | tuple[Source, ...],
    *,
    among: Sequence[str] | None = None,
    top: int = 3,
    abstain_below: float = 0.0,
    model: Model | None = None,
) -> Answer | list[Answer]:
    """Which script a picture of a word, a line, a column or a few lines is written in.

    Args:
        image: a path, a file's bytes, a PIL image, or an array [height, width], [..., 3] RGB or [..., 4] RGBA of uint8,
            uint16 or bool. A list of these gives a list of answers, and is read in batches.
        among: only these scripts are possible, such as ["Latn", "Cyrl"].
        top: how many scripts `Answer.top` has.
        abstain_below: with less probability `Answer.script` is None.
        model: another than the shipped champion.

    Raises:
        UserError: a picture cannot be read, or an option is wrong. It says what, where, and how to fix it.
    """
    model = model or champion()
    check_options(model.labels, top=top, among=among, abstain_below=abstain_below)
    images = list(image) if isinstance(image, list | tuple) else [image]
    found: list[Answer] = []
    for start in range(0, len(images), BATCH):
        pictures = [_picture(one, start + number, model) for number, one in enumerate(images[start : start + BATCH])]
        records = answers(model, pictures, top=top, among=among, abstain_below=abstain_below)
        found += [_answer(record, model.target) for record in records]
    return found if isinstance(image, list | tuple) else found[0]


def _answer(record: Record, target: str) -> Answer:
    values = {name: value for name, value in record.items() if name not in (target, "top")}
    return Answer(script=record[target], top=tuple((one[target], one["p"]) for one in record["top"]), **values)


def _picture(image: Source, number: int, model: Model) -> Picture:
    channels = model.shape[2]
    where = f"image {number}"
    if isinstance(image, str | Path):
        return read_picture(Path(image), channels=channels)
    if isinstance(image, bytes | bytearray):
        return picture_of(bytes(image), where=where, channels=channels)
    if isinstance(image, Image.Image):
        return picture_of_image(image, where=where, channels=channels)
    if isinstance(image, np.ndarray):
        return picture_of_array(image, where=where, channels=channels)
    raise UserError(
        f"a {type(image).__name__} is no picture", where=where, fix="give a path, bytes, a PIL image or an array"
    )
