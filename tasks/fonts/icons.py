"""Which characters of a symbol font are icons: pictures that no one reads as letters or numbers."""

import re
import unicodedata

from fontTools.ttLib import TTFont

PICTURES = ("So", "Co")  # categories: other symbols, and private use, where icon fonts keep theirs
# Blocks of pictures that show letters, numbers or another writing system, first and last code point.
READ = (
    (0x2400, 0x245F),  # names of control characters
    (0x2800, 0x28FF),  # Braille
    (0x10100, 0x101FF),  # numbers and signs of ancient scripts
    (0x1F000, 0x1F02F),  # mahjong tiles
    (0x1F0A0, 0x1F1FF),  # playing cards, enclosed letters, flags
    (0x1F200, 0x1F2FF),  # enclosed ideographs
    (0x1F670, 0x1F67F),  # ornaments of punctuation
    (0x1FA60, 0x1FA6D),  # Chinese chess
)
SAYS_TEXT = re.compile(
    r"\b(LETTERS?|LATIN|NUMBERS?|DIGITS?|CAPITAL|KEYCAP|HUNDRED|EIGHTEEN|IDEOGRAPH|COPYRIGHT|REGISTERED|SERVICE MARK"
    r"|TRADE MARK|AUTOMATED TELLER|PRESCRIPTION|RESPONSE|VERSICLE|CALENDAR|INPUT SYMBOL|ARROW ABOVE|FONT|QUESTION"
    r"|EXCLAMATION|COMMA|QUOTATION|PILCROW|AMPERSAND|CHAPTER|CLOSET|DOLLAR|YEN|EURO|POUND|BANKNOTE|CURRENCY|PHONE OFF"
    r"|OM SYMBOL|SLEEPING SYMBOL|CHI RHO|CONVENIENCE|HOSPITAL|HOTEL)\b"
)
# Words in the names of icons, as icon fonts' ligatures spell them, that show letters, digits or punctuation.
WORDS = """
    abc abs ad adb ads ai alpha api array atm attach auto calculate calendar case cc closed copyright css currency
    data date dev dns euro ev event explicit exposure facebook fiber fields font format forward fps franc functions
    gif google grade hd hdr help hevc hls hospital hotel hq html http https info invert iso javascript js language
    letter lira live logo looks lte manual match mobiledata money mp network new nfc numbers object onetwothree paid
    parking password paypal pdf percent php pin plus pm point pound price quality question quiz quora rate raw regex
    replay rsvp rtt ruble sd short signpost sim sip sos specimen spellcheck subscript subtitles superscript symbols
    tab text tiktok timer title today translate tty tv type unknown usb vpn wb wc woo wordpress yen yuan
"""
SHOWS_TEXT = frozenset(WORDS.split())


def icons_of(font: TTFont) -> list[int]:
    """Code points of the icons, sorted."""
    names = _ligatures(font)
    return sorted(
        point
        for point, glyph in font.getBestCmap().items()
        if is_icon(point) and not any(map(_spells, names.get(glyph, ())))
    )


def is_icon(point: int) -> bool:
    """Whether a code point is a picture with no letter or digit in it, by its Unicode name and block."""
    char = chr(point)
    if unicodedata.category(char) not in PICTURES or any(first <= point <= last for first, last in READ):
        return False
    if any(part.isalnum() for part in unicodedata.normalize("NFKC", char)):
        return False
    return SAYS_TEXT.search(unicodedata.name(char, "")) is None


def _spells(name: str) -> bool:
    return bool(SHOWS_TEXT & set(name.split("_"))) or any(map(str.isdigit, name))


def _ligatures(font: TTFont) -> dict[str, list[str]]:
    """Glyph → the words that become it: an icon font is typed by its icons' names."""
    if "GSUB" not in font:
        return {}
    chars = {glyph: chr(point) for point, glyph in font.getBestCmap().items()}
    found: dict[str, list[str]] = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            table = getattr(table, "ExtSubTable", table)
            for first, ligatures in getattr(table, "ligatures", {}).items():
                for ligature in ligatures:
                    spelt = "".join(chars.get(glyph, "?") for glyph in [first, *ligature.Component])
                    found.setdefault(ligature.LigGlyph, []).append(spelt)
    return found
