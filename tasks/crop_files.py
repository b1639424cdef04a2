"""A user's picture files, read as the crops that a model was trained on."""

import contextlib
import io
import stat
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tasks.errors import UserError

# Pillow knows some seventy formats; only these are opened, so that no other decoder ever sees a user's bytes.
FORMATS = ("PNG", "JPEG", "PPM", "TIFF", "WEBP", "BMP")
FORMAT_NAMES = "PNG, JPEG, PGM, TIFF, WebP or BMP"
MOST_PIXELS = 32_000_000
FEWEST_PIXELS = 4  # a side; a smaller picture holds no word
ORIENTATION = 0x0112  # EXIF

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow raises on damaged files of these formats.
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error)


def read_crop(path: Path, *, height: int, width: int) -> NDArray[np.uint8]:
    """A picture file as a grey crop, uint8 [height, width].

    PNG, JPEG, PGM, TIFF, WebP and BMP; grey, RGB, CMYK, palette, 16 bits; transparency is laid on white, EXIF
    rotation undone. The picture is fitted into the crop as `fit` says.

    Raises:
        UserError: there is no such file, or it is none of these, damaged, animated, too large or too small.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UserError("this is a folder", where=path, mend="name the pictures in it")
        if not stat.S_ISREG(mode):
            raise UserError("this is no regular file", where=path, mend="name a picture file")
        with path.open("rb") as file:
            return _read(file, where=path, height=height, width=width)
    except FileNotFoundError:
        raise UserError("there is no such file", where=path, mend="mend the path") from None
    except OSError as error:
        raise UserError(f"cannot read: {error.strerror}", where=path, mend="make it readable") from error


def read_crop_bytes(data: bytes, *, where: object, height: int, width: int) -> NDArray[np.uint8]:
    """As `read_crop`, of a file's bytes; `where` names them in errors."""
    return _read(io.BytesIO(data), where=where, height=height, width=width)


def fit(picture: NDArray[np.uint8], *, height: int, width: int) -> NDArray[np.uint8]:
    """Scale a grey picture [h, w] to fit into [height, width], aspect kept, centred on its own ground.

    A picture of that very size comes back as it is. The ground is the median of the picture's border: a
    word crop's border is mostly ground, be it light or dark.
    """
    own_height, own_width = picture.shape
    scale = min(height / own_height, width / own_width)
    size = min(width, max(1, round(own_width * scale))), min(height, max(1, round(own_height * scale)))
    image = Image.fromarray(picture)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)  # in Pillow it smooths where it shrinks
    crop = np.full((height, width), ground_of(picture), dtype=np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    crop[top : top + size[1], left : left + size[0]] = np.asarray(image)
    return crop


def ground_of(picture: NDArray[np.uint8]) -> int:
    """Median grey of a picture's outermost pixels."""
    sides = [picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]]
    return int(np.median(np.concatenate(sides)))


def _read(file: BinaryIO, *, where: object, height: int, width: int) -> NDArray[np.uint8]:
    if not file.read(1):
        raise UserError("the file is empty", where=where, mend="give a picture file")
    file.seek(0)
    with _opened(file, where) as image:
        _check(image, where)
        try:
            grey = _grey(image)
        except _DAMAGED as error:
            raise UserError(
                f"the picture is damaged: {error}", where=where, mend="save it again, or leave it out"
            ) from error
        return fit(grey, height=height, width=width)


@contextlib.contextmanager
def _opened(file: BinaryIO, where: object) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged EXIF and large pictures: `_check` has its own limits
        try:
            image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError:
            raise UserError("this is no picture", where=where, mend=f"give {FORMAT_NAMES}") from None
        except Image.DecompressionBombError:
            raise _too_large(where) from None
        except _DAMAGED as error:
            raise UserError(
                f"the picture is damaged: {error}", where=where, mend="save it again, or leave it out"
            ) from error
        with image:
            yield image


def _check(image: Image.Image, where: object) -> None:
    wide, high = image.size
    if wide * high > MOST_PIXELS:
        raise _too_large(where)
    if min(wide, high) < FEWEST_PIXELS:
        raise UserError(f"the picture has {wide}×{high} pixels", where=where, mend="give one that shows a whole word")
    # Phones save a JPEG with a preview or a depth map behind it (MPO): its first picture is the one.
    if image.format != "MPO" and _frames(image) > 1:
        raise UserError("the file holds several pictures", where=where, mend="save the one with the word alone")


def _frames(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except _DAMAGED:
        return 1  # decoding will say what is wrong


def _too_large(where: object) -> UserError:
    return UserError(
        f"the picture has more than {MOST_PIXELS // 10**6} million pixels",
        where=where,
        mend="cut the word out of it",
    )


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    turn = _UPRIGHT.get(_orientation(image))
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        whole = 65535.0 if image.mode.startswith("I;16") or image.format == "PPM" else None
        image = Image.fromarray(_eight_bits(values, whole))
    elif image.has_transparency_data:
        # A transparent palette or grey keeps its transparency only by way of RGBA.
        inked = image.convert("RGBA")
        white = Image.new("RGBA", inked.size, "white")
        image = Image.alpha_composite(white, inked).convert("L")
    elif image.mode != "L":
        image = image.convert("RGB").convert("L")
    return np.asarray(image.transpose(turn) if turn is not None else image)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except _DAMAGED:
        return 1  # damaged EXIF says nothing about the pixels


def _eight_bits(values: NDArray[np.float64], whole: float | None) -> NDArray[np.uint8]:
    """Grey values from 0 to `whole`, scaled to 0..255; where no format says what white is, the values do."""
    if not np.isfinite(values).all():
        raise ValueError("some pixels are no numbers")
    low, high = float(values.min()), float(values.max())
    if whole is None:
        whole = next((top for top in (1.0, 255.0, 65535.0) if high <= top), high)
    if low < 0 or high > whole:
        values, whole = values - low, high - low
    return np.rint(values / whole * 255).astype(np.uint8)
