"""Whether a font can render a text after shaping: substitution may give glyphs that no code point maps to."""

import unicodedata

import uharfbuzz as hb

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt, first and last of each range.
IGNORABLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
MISSING = 0  # glyph number of .notdef
DOTTED_CIRCLE = 0x25CC  # what HarfBuzz inserts under a mark without a base letter


class Shaper:
    """One font, from plain sfnt bytes, open for shaping."""

    def __init__(self, data: bytes) -> None:
        self._font = hb.Font(hb.Face(data))
        self._circle = self._font.get_nominal_glyph(DOTTED_CIRCLE)
        self._inked: set[int] = set()  # glyphs known to leave ink, but for the dotted circle
        self._blank: set[int] = set()

    def can_draw(self, text: str, *, vertical: bool = False) -> bool:
        """Whether every visible character of `text` leaves ink, shaped in its script's direction or `vertical`.

        False for an empty text, for a `.notdef` glyph, for a blank letter, digit, punctuation mark or symbol, and for a
        mark on a dotted circle. Spaces, ignorable characters (joiners) and marks that the font draws as part of a
        neighbour may be blank.
        """
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        if vertical:
            buffer.direction = "ttb"
        hb.shape(self._font, buffer)
        glyphs = [info.codepoint for info in buffer.glyph_infos]
        if self._inked.issuperset(glyphs):
            return bool(glyphs)
        return self._draws(text, glyphs, [info.cluster for info in buffer.glyph_infos])

    def _draws(self, text: str, glyphs: list[int], clusters: list[int]) -> bool:
        self._look_at(glyphs)
        if MISSING in glyphs or (self._circle in glyphs and chr(DOTTED_CIRCLE) not in text):
            return False
        if self._blank.intersection(glyphs) & self._own_glyphs(text):
            return False
        inked = {place for place, glyph in zip(clusters, glyphs, strict=True) if glyph not in self._blank}
        starts = sorted(set(clusters))
        ends = [*starts[1:], len(text)]
        return bool(starts) and all(
            start in inked or not any(map(is_visible, text[start:end])) for start, end in zip(starts, ends, strict=True)
        )

    def _own_glyphs(self, text: str) -> set[int | None]:
        """Glyphs of the visible characters before substitution: only a blank one of these loses a character."""
        chars = {*text, *unicodedata.normalize("NFD", text)}
        return {self._font.get_nominal_glyph(ord(char)) for char in chars if is_visible(char)}

    def _look_at(self, glyphs: list[int]) -> None:
        for glyph in set(glyphs) - self._inked - self._blank - {MISSING, self._circle}:
            extents = self._font.get_glyph_extents(glyph)
            has_ink = extents is not None and extents.width != 0 and extents.height != 0
            (self._inked if has_ink else self._blank).add(glyph)


def is_visible(char: str) -> bool:
    """Whether a character should leave ink: no space, control or default-ignorable character."""
    point = ord(char)
    if any(first <= point <= last for first, last in IGNORABLE):
        return False
    return unicodedata.category(char)[0] in "LMNPS"
