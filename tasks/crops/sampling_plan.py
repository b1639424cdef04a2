"""The sampling plan: which design, font and text each crop of a script and split shows. Pure: nothing is rendered.

Styles take turns, and so do the designs of a style: sampling is balanced over styles, then designs, and a large family
has no more weight than another. Italic designs take turns of their own: of a style that has both kinds a set part of
the crops is italic. Of `Zzzz` the designs alone take turns: nearly all fonts of the scripts that are not learned have
one style. The sides that a split samples from:

    train, pool   train designs         train texts
    validation    validation designs    validation texts
    test_seen     train designs         test texts
    test_unseen   test_unseen designs   test texts
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.common.drawing_settings import MixSettings
from tasks.common.params import TagSettings
from tasks.crop_table.italics import is_italic
from tasks.crop_table.splits import DESIGN_SIDE, TEXT_SIDE, TRAIN
from tasks.crop_table.text_side import JOINERS, digest_of, is_letter, text_side
from tasks.crops.cut import UNIFORMS as CUT_UNIFORMS
from tasks.crops.cut import Cut, plan_cut
from tasks.crops.text_variants import UNIFORMS, Covers, compose, plan_text
from unfont.labels import UNKNOWN

SHORT = 8  # characters: longer words never share a crop with another
UPRIGHT = 10  # pixels a character of a text set from top to bottom must have, at least
LINE = 18  # characters of a line, at least: a window is 3 to 7 times as long as it is high
MOST_PARTS = 6
PICKS = 32  # words tried to find one that fits
STRIDE = 7919  # from one of them to the next: prime, and large since neighbours in the list are similar
# Of a style that has both, every fourth crop is italic, in every script and split. By their numbers of designs it would
# be more of Cyrl than of Latn, and then italic itself says Cyrl. A quarter: most print is upright, yet italics have
# letters of their own to be learned.
ITALIC_EVERY = 4


@dataclass(frozen=True)
class FontRow:
    """One row of the font table without the font itself; `row` is its number in the table."""

    row: int
    family: str
    style: str
    design: str
    side: str
    weight: int
    coverage: NDArray[np.int32]  # sorted code points

    @cached_property
    def points(self) -> frozenset[int]:
        return frozenset(self.coverage.tolist())

    def covers(self, text: str) -> bool:
        """Whether the font has every visible character of `text`."""
        return self.points.issuperset(_points_of(text))


class Texts(NamedTuple):
    """Words and single letters of a script, or those of them that a font has every character of."""

    words: tuple[str, ...]
    letters: tuple[str, ...] = ()


FontTexts = tuple[FontRow, Texts]  # a font with what it may show
FontsByDesign = dict[str, list[FontTexts]]


class Style(NamedTuple):
    """The designs of a style, the fonts of each with their texts; upright and italic ones take turns apart."""

    upright: tuple[list[FontTexts], ...]
    italic: tuple[list[FontTexts], ...]

    @property
    def designs(self) -> tuple[list[FontTexts], ...]:
        return self.upright + self.italic

    def at(self, turn: int) -> list[FontTexts]:
        """The fonts of the design whose turn it is."""
        if not self.upright or not self.italic:
            return self.designs[turn % len(self.designs)]
        italics = turn // ITALIC_EVERY  # that had their turn before
        if turn % ITALIC_EVERY == ITALIC_EVERY - 1:
            return self.italic[italics % len(self.italic)]
        return self.upright[(turn - italics) % len(self.upright)]


class Shown(NamedTuple):
    """A text as rendered, whether it is set vertically, and whether it is a letter alone."""

    text: str
    vertical: bool = False
    letter: bool = False


class Sample(NamedTuple):
    """What one crop shows, whether vertically, and how it lies in the crop; `text` is a window's whole line."""

    font: FontRow
    text: str
    vertical: bool
    cut: Cut


@dataclass(frozen=True)
class SamplingPlan:
    """What a script and split may show: styles, their designs, and fonts with the texts that each of them covers."""

    script: str
    split: str
    styles: list[Style]
    mix: MixSettings
    height: int  # of the crop, pixels

    @property
    def words(self) -> set[str]:
        """Every word that some font may show."""
        fonts = [font for style in self.styles for design in style.designs for font in design]
        return set().union(*{id(texts): texts.words for _, texts in fonts}.values())

    def sample(self, index: int, attempt: int, seed: int) -> Sample:
        """The crop's sample; another `attempt` keeps the design and samples another font, text and cut."""
        font, texts, uniforms = self._font(index, attempt, seed)
        window = uniforms[0] < self.mix.window
        shown = self._text(texts, font.covers, (seed, "text", index, attempt), window=window)
        return Sample(font, shown.text, shown.vertical, self._cut(uniforms, shown, window=window))

    def sample_pair(self, number: int, attempt: int, seed: int) -> tuple[Sample, Sample] | None:
        """Crops 2 `number` and 2 `number` + 1 as one text in two designs of different style, or None.

        Both are windows, of about the same piece of a line, or neither is.
        """
        one, texts, uniforms = self._font(2 * number, attempt, seed)
        other, _, others = self._font(2 * number + 1, attempt, seed)

        def both_cover(text: str) -> bool:
            return one.covers(text) and other.covers(text)

        if one.style == other.style or one.design == other.design:
            return None
        window = uniforms[0] < self.mix.window
        shown = self._text(texts, both_cover, (seed, "pair", number, attempt), window=window)
        if not both_cover(shown.text):
            return None
        first, second = (self._cut(each, shown, window=window) for each in (uniforms, others))
        if first.window:
            second = second._replace(fill=first.fill, across=first.across)
        return Sample(one, shown.text, shown.vertical, first), Sample(other, shown.text, shown.vertical, second)

    def _cut(self, uniforms: Sequence[float], shown: Shown, *, window: bool) -> Cut:
        line = window and not (shown.vertical or shown.letter)
        return plan_cut(self.mix, uniforms[1:], window=line, letter=shown.letter)

    def _font(self, index: int, attempt: int, seed: int) -> tuple[FontRow, Texts, tuple[float, ...]]:
        """A font of the design whose turn it is, its texts, and uniform numbers: for `window`, and for the cut."""
        turn, style = divmod(index, len(self.styles))
        # Each style starts a turn further: else both of a pair were italic, or neither.
        fonts = self.styles[style].at(turn + style)
        which, *uniforms = struct.unpack(
            f">{2 + CUT_UNIFORMS}H{28 - 2 * CUT_UNIFORMS}x", self._digest(seed, index, attempt)
        )
        font, texts = fonts[which * len(fonts) >> 16]
        return font, texts, tuple(number / 2**16 for number in uniforms)

    def _text(self, texts: Texts, covers: Covers, key: tuple[object, ...], *, window: bool) -> Shown:
        """A text; for a window a line of several texts."""
        shown = self._one_text(texts, covers, self._digest(*key))
        if shown.vertical or not window or not covers(" "):
            return shown
        parts = [shown.text]
        while sum(map(len, parts)) < LINE and len(parts) < MOST_PARTS:
            part = self._one_text(texts, covers, self._digest(*key, len(parts)))
            parts += [] if part.vertical else [part.text]
        return Shown(" ".join(parts))

    def _one_text(self, texts: Texts, covers: Covers, digest: bytes) -> Shown:
        first, second, *uniforms = struct.unpack(f">2I{UNIFORMS}H{24 - 2 * UNIFORMS}x", digest)
        which = first / 2**32, second / 2**32
        plan = plan_text(self.script, self.mix, [number / 2**16 for number in uniforms], covers=covers)
        if plan.vertical:
            most = self.height // UPRIGHT
            if stack := _pick(texts.words, which[0], lambda word: len(word) <= most and covers(word)):
                return Shown(stack, vertical=True)
        if plan.form == "letter" and (letter := _pick(texts.letters, which[0], covers)):
            return Shown(compose([letter], self.script, plan, covers=covers), letter=True)
        if plan.form == "two":
            short = [_pick(texts.words, number, lambda word: len(word) <= SHORT and covers(word)) for number in which]
            if words := [word for word in dict.fromkeys(short) if word]:
                return Shown(compose(words, self.script, plan, covers=covers))
        word = _pick(texts.words, which[0], covers) or texts.words[0]
        return Shown(compose([word], self.script, plan, covers=covers))

    def _digest(self, *parts: object) -> bytes:
        seed, *others = parts
        return digest_of(seed, self.split, self.script, *others)


def _pick(texts: Sequence[str], uniform: float, fits: Covers) -> str | None:
    """The first of `PICKS` texts that fits, from one chosen by `uniform` on."""
    start = int(uniform * len(texts))
    picks = (texts[(start + STRIDE * step) % len(texts)] for step in range(min(PICKS, len(texts))))
    return next(filter(fits, picks), None)


def plan_splits(
    script: str, texts: Texts, fonts: Sequence[FontRow], *, tag: TagSettings, mix: MixSettings, height: int, seed: int
) -> dict[str, SamplingPlan]:
    """The plans of a script's splits; a split with no design, or no word that its designs cover, has none.

    `height` of the crops, in pixels, bounds the length of vertical text.
    """
    every = [*texts.words, *texts.letters]
    sides = np.array([text_side(text, script=script, settings=tag, seed=seed) for text in every])
    is_word = np.arange(len(every)) < len(texts.words)
    to_train = np.array([is_letter(text) for text in every], bool) & ~is_word  # whatever their side: `may_train`
    covered = coverage_of(every, fonts)
    known: dict[bytes, Texts] = {}
    plans = {}
    for split, side in DESIGN_SIDE.items():
        on_side = (sides == TEXT_SIDE[split]) | (to_train & (TEXT_SIDE[split] == TRAIN))
        styles: dict[str, FontsByDesign] = {}
        for font, covers in zip(fonts, covered, strict=True):
            if font.side == side and (covers & on_side & is_word).any():
                shown = _texts_of(covers & on_side, every, len(texts.words), known)
                style = font.style if script != UNKNOWN else ""
                styles.setdefault(style, {}).setdefault(font.design, []).append((font, shown))
        if styles:
            in_turn = [_in_turn(styles[name], script, seed) for name in sorted(styles)]
            plans[split] = SamplingPlan(script, split, in_turn, mix, height)
    return plans


def _texts_of(mask: NDArray[np.bool_], every: Sequence[str], words: int, known: dict[bytes, Texts]) -> Texts:
    # Most fonts of a script cover the same texts, so hundreds of fonts share one tuple.
    name = mask.tobytes()
    if name not in known:
        places = np.flatnonzero(mask)
        of_words, of_letters = (places[places < words].tolist(), places[places >= words].tolist())
        known[name] = Texts(tuple(every[place] for place in of_words), tuple(every[place] for place in of_letters))
    return known[name]


def _in_turn(designs: FontsByDesign, script: str, seed: int) -> Style:
    # Shuffled: otherwise the alphabet would decide which designs a small split shows.
    names = sorted(designs, key=lambda name: digest_of(seed, script, name))
    upright, italic = (tuple(designs[name] for name in names if is_italic(name) is kind) for kind in (False, True))
    return Style(upright, italic)


def coverage_of(texts: Sequence[str], fonts: Sequence[FontRow]) -> NDArray[np.bool_]:
    """Whether a font has every visible character of a text: [fonts, texts]."""
    points = [np.array(_points_of(text), np.int32) for text in texts]
    every, flat = np.unique(np.concatenate(points) if points else np.zeros(0, np.int32), return_inverse=True)
    starts = np.cumsum([0, *map(len, points)])[:-1]
    covers = np.zeros((len(fonts), len(texts)), bool)
    known: dict[bytes, NDArray[np.bool_]] = {}  # hundreds of fonts have the same letters of a script
    for row, font in enumerate(fonts):
        has = np.isin(every, font.coverage)
        name = has.tobytes()
        if name not in known:
            known[name] = np.logical_and.reduceat(has[flat], starts) if len(flat) else covers[row]
        covers[row] = known[name]
    return covers


def _points_of(text: str) -> list[int]:
    # Shaping needs no glyph for a joiner, and many fonts have none.
    return [ord(char) for char in text if char not in JOINERS]
