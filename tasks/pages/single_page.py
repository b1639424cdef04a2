"""A page of one file: styles, scripts and pictures are in it, and everything shown is escaped."""

import base64
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from torch import Tensor

from tasks.common.errors import UserError
from tasks.common.files import written_whole
from tasks.common.text import shown
from tasks.crop_table.shards import Pixels, encode_png

TEMPLATES = Path(__file__).parent / "templates"


def write_page(out: Path, template: str, **values: Any) -> None:
    """Fill `templates/<template>.html.jinja` and write it at `out`; the same values give the same bytes.

    Raises:
        UserError: the page cannot be written.
    """
    check_page(out)
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"clip": clip, "signed": signed}
    page = templates.get_template(f"{template}.html.jinja").render(**values)
    with written_whole(out) as beside:
        beside.write_text(page, encoding="utf-8")


def check_page(out: Path) -> None:
    """Raises UserError where `out` is a folder or no page: what is there would be lost."""
    if out.is_dir():
        raise UserError("this is a folder", where=out, mend="name a file that ends in .html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError("a page is an HTML file", where=out, mend="name a file that ends in .html")


def clip(label: object, most: int = 60) -> str:
    """A label or a file's name of any length as one harmless line of at most `most` characters."""
    line = shown(label)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def signed(value: float, digits: int = 2) -> str:
    """0.123 as +0.12, with a true minus; what rounds to nothing has no sign."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def address_of(png: bytes) -> str:
    """A PNG as the `data:` address of an image."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def picture_of(image: Tensor) -> str:
    """`image[channels, h, w]` in [0, 1] as the `data:` address of an image."""
    return address_of(encode_png(pixels_of(image)))


def pixels_of(image: Tensor) -> Pixels:
    """`image[channels, h, w]` in [0, 1] as uint8 `[h, w]`, or `[h, w, 3]` where there are three channels."""
    pixels = np.rint(image.numpy() * 255).astype(np.uint8)
    return pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
