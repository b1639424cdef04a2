"""The sample sheet: a few crops of every target and nuisance, as one image."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tasks.common.params import UNWRITTEN

MOST_ROWS, MOST_COLUMNS = 60, 12  # more are left out: the data card has the counts
LONGEST = 14  # characters of a label
TALLEST, WIDEST = 48, 128  # pixels of a crop on the sheet; larger ones are scaled down
GAP, MARGIN = 4, 110  # pixels
PAPER, INK = (238, 238, 238), (0, 0, 0)


def draw_sheet(
    path: Path, pictures: Mapping[tuple[str, str], list[Image.Image]], *, target: str, nuisance: str | None
) -> None:
    """Write a PNG of `pictures` by (target, nuisance): a row a target, a column a nuisance, three crops a cell."""
    rows = in_order(cell[0] for cell in pictures)[:MOST_ROWS]
    columns = in_order(cell[1] for cell in pictures)[:MOST_COLUMNS]
    small = {cell: [_small(picture) for picture in pictures[cell]] for cell in pictures}
    sizes = [picture.size for drawn in small.values() for picture in drawn] or [(WIDEST, TALLEST)]
    wide, tall = max(size[0] for size in sizes) + GAP, max(size[1] for size in sizes) + GAP
    most = max((len(drawn) for drawn in small.values()), default=1)
    header = 24
    sheet = Image.new("RGB", (MARGIN + len(columns) * (most * wide + GAP), header + max(1, len(rows)) * tall), PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    pen.text((GAP, 6), label(target), INK, font)
    for number, column in enumerate(columns):
        pen.text((MARGIN + number * (most * wide + GAP), 6), label(column) if nuisance else "", INK, font)
    for down, row in enumerate(rows):
        top = header + down * tall
        pen.text((GAP, top + (tall - 16) // 2), label(row), INK, font)
        for across, column in enumerate(columns):
            for number, picture in enumerate(small.get((row, column), [])):
                sheet.paste(picture, (MARGIN + across * (most * wide + GAP) + number * wide, top))
    sheet.save(path, format="PNG")


def in_order(labels: Iterable[str]) -> list[str]:
    """Each label once, sorted; missing labels and the background come last."""
    return sorted(set(labels), key=lambda label: (label.startswith("("), label == UNWRITTEN, label))


def label(name: str) -> str:
    """A label in printable ASCII, as Pillow's default font has no more, of at most `LONGEST` characters."""
    plain = name.encode("ascii", "backslashreplace").decode()
    plain = "".join(char if char.isprintable() else "?" for char in plain)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "~"


def _small(picture: Image.Image) -> Image.Image:
    scale = min(1.0, TALLEST / picture.height, WIDEST / picture.width)
    size = max(1, round(scale * picture.width)), max(1, round(scale * picture.height))
    return picture if scale == 1 else picture.resize(size, Image.Resampling.BOX)
