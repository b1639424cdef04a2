"""One word in every font of its script: where the model breaks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.crop_table.png import Pixels
from tasks.live.network import LiveNetwork
from tasks.live.typed import Font, FontBook
from unfont.answers import answers
from unfont.errors import UserError
from unfont.reading import fit

PART = 32  # fonts of one part: other viewers' frames come between two
DIGITS = 4


@dataclass(frozen=True)
class SweepPart:
    """Some fonts' answers, with the drawn word `pictures` uint8 `[n, height, width]`; `done` of `total` fonts.

    An answer has `row`, `family`, `font_style`, `side`, `weight`, `p_right` (the probability of the right script),
    `label` and `p`. Fonts that cannot draw the word have none.
    """

    answers: list[dict[str, Any]]
    pictures: Pixels
    done: int
    total: int


def sweep(live: LiveNetwork, book: FontBook, text: str, *, script: str) -> Iterator[SweepPart]:
    """The answers for `text` in every font of `script`, in parts, each as `unfont predict` gives it.

    Raises:
        UserError: the network is no model of scripts, does not know the script, the text
            is in another one, or no font can draw it.
    """
    if live.model is None or script not in live.labels:
        what = f"{live.name} does not know the script {script}"
        raise UserError(what, where="the sweep", fix="choose a model and a script that it was trained on")
    if not book.fits(text, script):
        raise UserError(
            f"this text is not written in {script}", where="the sweep", fix="type another, or choose its script"
        )
    fonts = book.of_script(script)
    height, width = live.size
    drawn = 0
    for start in range(0, len(fonts), PART):
        some = fonts[start : start + PART]
        book.open([font.row for font in some])
        able = [font for font in some if book.can_draw(font.row, text)]
        pictures = [book.draw(font.row, text) for font in able]
        found = answers(live.model, pictures, top=len(live.labels))
        shown = [fit(picture, height=height, width=width) for picture in pictures]
        drawn += len(able)
        yield SweepPart(
            [_row(font, one, live.model.target, script) for font, one in zip(able, found, strict=True)],
            np.stack(shown) if shown else np.zeros((0, height, width), np.uint8),
            start + len(some),
            len(fonts),
        )
    if not drawn:
        raise UserError(
            f"no font of {script} can draw this text", where="the sweep", fix="type another, or choose its script"
        )


def _row(font: Font, found: dict[str, Any], target: str, script: str) -> dict[str, Any]:
    right = next((one["p"] for one in found["top"] if one[target] == script), 0.0)
    return {
        "row": font.row, "family": font.family, "font_style": font.font_style, "side": font.side, "weight": font.weight,
        "p_right": round(right, DIGITS), "label": found[target], "p": round(found["p"], DIGITS),
    }  # fmt: skip
