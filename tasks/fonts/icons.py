"""Which characters of a symbol font are icons: pictures that no one reads as letters, digits or signs.

Two rules, applied in turn; a background shows what passes both. `icons_of` (stage `fonts`) goes by names: of any font
it drops what Unicode or the font itself calls text, and the rest is the font's `coverage`. `background_icons` (stage
`crops`) goes by lists made by eye: of that it drops what looks like text whatever its name (rings, bars, crosses).
They overlap: HD, 24 and a calendar's 17 are in the names and in the lists.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable

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

# Blocks of Unicode symbols, less those which show letters, digits, crosses, plain lines, rings and boxes.
SYMBOL_POINTS = """
    231A-231B 2328 23E9-23EF 23F0-23F3 2600-2604 260E-260F 2614-2615 2618-261F 2620 2622-2623 262A 262E-262F 2638-263A
    2654-2668 267B-267F 2680-2685 2690-269C 26A0-26A1 26BD-26BE 26C0-26C8 26CF 26D1 26D3-26D4 26DF 26E9-26EA 26F0-26F5
    26F7-26FB 26FD 2701-2704 2706-2712 2720-274B 2763-2767 2794 2798-27AF 27B1-27BE
    1F300-1F310 1F312-1F314 1F316-1F39E 1F3A0-1F3AA 1F3AC-1F3AF 1F3B1-1F3E4 1F3EC-1F4A3 1F4A5-1F4AE 1F4BA-1F4C4
    1F4C8-1F4DA 1F4DC-1F4E6 1F4E8-1F4EF 1F4F1-1F4F3 1F4F5-1F502 1F504-1F517 1F525-1F530 1F54A-1F54E 1F550-1F570
    1F573-1F5D1 1F5D4-1F5D6 1F5DC-1F5DD 1F5DF-1F5F3 1F5FA-1F64F 1F680-1F68E 1F690-1F692 1F697-1F6BD 1F6BF-1F6C7
    1F6C9-1F6FF 1F90C-1F910 1F912-1F92B 1F92D-1F946 1F94A-1F9E6 1F9E8-1F9FF 1FA70-1FAFF
"""
# The code points that Google's Material icons give to pictures with letters, digits and signs in them (hd, 123,
# currency_yen), and to single strokes, rings, boxes and stacked bars (remove, circle, menu), which read as l, O or 三.
MATERIAL_SIGNS = """
    E000-E002 E004-E00A E01C E01E E024 E031 E034 E037 E041 E046-E047 E052-E053 E056-E05B E05D-E05E E061 E06A-E06B
    E072 E084 E089 E0B3 E0BB-E0BC E0C6 E0CC E0E6 E13E-E145 E14C E152 E155 E15B E160 E164-E165 E167 E170 E19C-E19E
    E1A1 E1A6-E1AB E1AF E1B9-E1BB E1C8 E1CD E1D8-E1D9 E227 E22A E22F E234-E23C E23F E242 E244-E24A E256-E257
    E25C-E25E E260-E264 E267 E269 E26C E2EA-E2EB E313-E31D E336 E339 E3A6-E3AC E3BC-E3C8 E3CA-E3D2 E3D4-E3DB E3E5
    E3ED-E3F2 E3F6 E3FA-E401 E408-E409 E40C-E40F E415 E418 E423-E424 E42C E437 E4CA-E4F3 E4F9 E51D E53E E543 E548
    E54F E559 E573 E575 E577 E57B E57D E58D-E58E E590 E5C5 E5C7 E5CA-E5CF E5D2-E5D4 E5D6-E5D7 E5DC-E5E1 E609-E610
    E613 E618 E61A-E61B E624-E626 E629 E63D E640 E645 E675 E746 E749 E765 E76D E7A3 E7B0 E7CC E7CF E7F8 E800
    E835-E836 E842-E84D E85A E85F E86B E86F E876 E87F-E881 E887 E88E-E88F E8A1 E8A4-E8A5 E8A8 E8B0 E8B2 E8BB E8BE
    E8CE E8D2 E8DE E8E2 E8E9-E8EA E8EC-E8EE E8F2-E8F3 E8FA E8FC-E8FE E902 E908-E909 E90C E926-E927 E930-E931
    E935-E936 E93A-E93F E945 E94B-E94C E951-E979 E996 E9A1-E9A3 E9AD E9B4 E9BA E9C3 E9C9-E9CA E9D1 E9D7 E9DD E9EF
    E9F9 E9FE EA13 EA15 EA1E EA36 EA61 EA6B-EA6E EA7E-EA8D EA96-EA98 EA9D-EA9F EAAB EAC3 EAC7 EAC9 EACF-EAD1 EAD3
    EAD6 EAD9-EADA EADD EADF-EAE2 EAE6-EAE8 EAEA-EAEC EAEF EAF1-EAF2 EAF4-EAF5 EAF7 EAF9-EAFB EB36 EB54 EB58
    EB67-EB68 EB6A EB70 EB7C EB7E EB81 EB8A-EB8F EB91 EB93-EB95 EB98 EB9E EBA1-EBA2 EBA8-EBA9 EBC5 EBC8-EBCA EBCC
    EBD0 EBD2 EBD4 EBD6 EBD9 EBDC-EBDD EBDF-EBE4 EBE7 EBE9 EBF7 EC20 EF38 EF47 EF4A EF51 EF54 EF56 EF60-EF63 EF65
    EF67 EF6E EF74 EF77 EFCD-EFD5 EFDA-EFDC EFE4-EFE5 EFE7-EFE8 F002 F00E F010 F014-F016 F018-F01E F021 F028
    F02C-F02F F031-F034 F038-F03B F03F F041 F045 F04A-F04D F04F-F050 F052 F055 F057 F05A F064-F066 F069 F074
    F077-F07C F082-F086 F0A8-F0B0 F101 F108 F111-F112 F11B F17E F1AA F1AC F1B6-F1B7 F1C0 F1C6 F1DC-F1E3 F1E6 F1FC
    F21E F22C F234 F8CF-F8D0 F8D7-F8E7 F8EA F8EC F8F0 F8FD-F8FE
"""
PRIVATE_USE = range(0xE000, 0xF900)  # where icon fonts keep their pictures


def icons_of(font: TTFont) -> list[int]:
    """Code points of a font that neither their Unicode names nor the font's own call text, sorted."""
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


def background_icons(coverage: Iterable[int]) -> list[int]:
    """Those of the code points `coverage` that look like no text, in its order."""
    symbols, signs = _points(SYMBOL_POINTS), _points(MATERIAL_SIGNS)
    return [point for point in coverage if point in symbols or (point in PRIVATE_USE and point not in signs)]


@functools.cache
def _points(ranges: str) -> frozenset[int]:
    """The code points of "2600-2604 260E": hexadecimal, ends included."""
    ends = [[int(end, 16) for end in part.split("-")] for part in ranges.split()]
    return frozenset(point for first, *last in ends for point in range(first, (last or [first])[0] + 1))
