"""Who plays: which design, font and word each crop of a script and split shows. Pure: nothing is drawn here.

Styles take turns, and within a style its designs do, so that neither a style nor a large family crowds out
the others. Which sides a split takes:

    train, pool   train designs         train texts
    validation    validation designs    validation texts
    test_seen     train designs         test texts
    test_unseen   test_unseen designs   test texts
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.params import TagSettings
from tasks.split import digest_of, text_side

DESIGN_SIDE = {
    "train": "train",
    "pool": "train",
    "validation": "validation",
    "test_seen": "train",
    "test_unseen": "test_unseen",
}
TEXT_SIDE = {
    "train": "train",
    "pool": "train",
    "validation": "validation",
    "test_seen": "test",
    "test_unseen": "test",
}


@dataclass(frozen=True)
class Font:
    """One row of the font table without the font itself; `place` is the row's number."""

    place: int
    family: str
    style: str
    design: str
    side: str
    weight: int
    coverage: NDArray[np.int32]  # sorted code points


Covered = tuple[str, ...]  # the words that a font has every character of
Designs = dict[str, list[tuple[Font, Covered]]]


class Choice(NamedTuple):
    """What one crop shows, and four numbers in [0, 1) for how it is drawn."""

    font: Font
    text: str
    chances: list[float]


@dataclass(frozen=True)
class Cast:
    """What a script and split may show: style → design → fonts with the words that each of them covers."""

    script: str
    split: str
    designs: list[list[list[tuple[Font, Covered]]]]

    @property
    def words(self) -> set[str]:
        """Every word that some font may show."""
        fonts = [pair for style in self.designs for design in style for pair in design]
        return set().union(*{id(words): words for _, words in fonts}.values())

    def choose(self, index: int, attempt: int, seed: int) -> Choice:
        """The crop's choice; a later `attempt` keeps the design and draws another font, word and place."""
        style = self.designs[index % len(self.designs)]
        fonts = style[index // len(self.designs) % len(style)]
        digest = digest_of(seed, self.split, self.script, index, attempt)
        which_font, which_word, *chances = (int.from_bytes(digest[at : at + 4]) / 2**32 for at in range(0, 24, 4))
        font, words = fonts[int(which_font * len(fonts))]
        return Choice(font, words[int(which_word * len(words))], chances)


def cast_script(
    script: str, words: Sequence[str], fonts: Sequence[Font], *, tag: TagSettings, seed: int
) -> dict[str, Cast]:
    """The casts of a script's splits; a split with no design or no word that its designs cover has none."""
    sides = np.array([text_side(word, script=script, settings=tag, seed=seed) for word in words])
    covered = coverage_of(words, fonts)
    known: dict[bytes, Covered] = {}
    casts = {}
    for split, side in DESIGN_SIDE.items():
        on_side = sides == TEXT_SIDE[split]
        styles: dict[str, Designs] = {}
        for font, covers in zip(fonts, covered, strict=True):
            if font.side == side and (covers & on_side).any():
                playable = _words_of(covers & on_side, words, known)
                styles.setdefault(font.style, {}).setdefault(font.design, []).append((font, playable))
        if styles:
            casts[split] = Cast(script, split, [_in_turn(styles[name], script, seed) for name in sorted(styles)])
    return casts


def _words_of(mask: NDArray[np.bool_], words: Sequence[str], known: dict[bytes, Covered]) -> Covered:
    # Most fonts of a script cover the same words: hundreds of fonts share one tuple.
    name = mask.tobytes()
    if name not in known:
        known[name] = tuple(words[place] for place in np.flatnonzero(mask).tolist())
    return known[name]


def _in_turn(designs: Designs, script: str, seed: int) -> list[list[tuple[Font, Covered]]]:
    # Shuffled, or the alphabet would decide which designs a short split shows.
    return [designs[name] for name in sorted(designs, key=lambda name: digest_of(seed, script, name))]


def coverage_of(words: Sequence[str], fonts: Sequence[Font]) -> NDArray[np.bool_]:
    """Whether a font has every character of a word: [fonts, words]."""
    points = [np.array(list(map(ord, word)), np.int32) for word in words]
    flat = np.concatenate(points) if points else np.zeros(0, np.int32)
    starts = np.cumsum([0, *map(len, points)])[:-1]
    covers = np.zeros((len(fonts), len(words)), bool)
    for row, font in enumerate(fonts):
        if len(font.coverage) and len(flat):
            at = np.searchsorted(font.coverage, flat).clip(max=len(font.coverage) - 1)
            covers[row] = np.logical_and.reduceat(font.coverage[at] == flat, starts)
    return covers
