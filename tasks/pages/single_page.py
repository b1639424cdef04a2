"""A self-contained HTML page: CSS, scripts and pictures are in the file, and all values are escaped."""

import base64
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from tasks.common.files import written_whole
from tasks.crop_table.png import Pixels, encode_png
from tasks.pages.environment import environment
from unfont.errors import UserError


def write_page(out: Path, template: str, **values: Any) -> None:
    """Fill `templates/<template>.html.jinja` and write it at `out`; the same values give the same bytes.

    Raises:
        UserError: the page cannot be written.
    """
    check_page(out)
    page = environment().get_template(f"{template}.html.jinja").render(**values)
    with written_whole(out) as beside:
        beside.write_text(page, encoding="utf-8")


def check_page(out: Path) -> None:
    """Raises UserError where `out` is a folder, or not an HTML file: it would be overwritten."""
    if out.is_dir():
        raise UserError("this is a folder", where=out, fix="name a file that ends in .html")
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError("a page is an HTML file", where=out, fix="name a file that ends in .html")


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
