"""A user's picture files, as pixels."""

import contextlib
import io
import math
import re
import stat
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from unfont.errors import UserError

# Pillow knows some seventy formats; only these are opened, so that no other decoder ever sees a user's bytes.
FORMATS = ("PNG", "JPEG", "PPM", "TIFF", "WEBP", "BMP")
FORMAT_NAMES = "PNG, JPEG, PGM, TIFF, WebP or BMP"
MOST_PIXELS = 32_000_000
MOST_BYTES = 128 * 2**20  # of a file; MOST_PIXELS of RGBA, uncompressed
FEWEST_PIXELS = 4  # a side; a smaller picture holds no word
ORIENTATION = 0x0112  # EXIF
FAINTEST = 32  # grey levels; with less contrast than that on white, transparent ink is light, and shown on black
DEPTHS = (255, 1023, 4095, 16383, 65535)  # the white of files of 8 to 16 bits that say they have 16

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
# A damaged file can make Pillow's decoders raise any exception: no list of them would be complete.
_DAMAGED = Exception
# Formats that a person takes for pictures, by their first bytes: they are told by name.
_START = 32
_NOT_READ = {
    "a GIF": re.compile(rb"GIF8[79]a"),
    "an AVIF": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "a HEIC": re.compile(rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", re.DOTALL),
    "a JPEG 2000": re.compile(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    "a JPEG XL": re.compile(rb"\0\0\0\x0cJXL |\xff\x0a"),
    "a Photoshop file": re.compile(rb"8BPS"),
    "a PDF": re.compile(rb"%PDF-"),
}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # the same file must give the same reason


def read_picture(path: Path, *, channels: int = 1) -> NDArray[np.uint8]:
    """A picture file in its own size: grey, uint8 [height, width], or with 3 channels RGB, uint8 [height, width, 3].

    PNG, JPEG, PGM, TIFF, WebP and BMP; grey, RGB, CMYK, palette, 16 bits; transparency is laid on white (light ink
    on black), EXIF rotation undone.

    Raises:
        UserError: there is no such file, or it is none of these, damaged, animated, too large or too small.
    """
    return picture_of(read_file(path), where=path, channels=channels)


def read_file(path: Path) -> bytes:
    """A picture file's bytes, as they are.

    Raises:
        UserError: there is no such file, it is no regular one, it cannot be read, or it is too large.
    """
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise UserError("this is a folder", where=path, fix="name the pictures in it")
        if not stat.S_ISREG(found.st_mode):
            raise UserError("this is no regular file", where=path, fix="name a picture file")
        if found.st_size > MOST_BYTES:
            raise too_many_bytes(path)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise UserError("there is no such file", where=path, fix="fix the path") from None
    except OSError as error:
        raise UserError(f"cannot read: {error.strerror}", where=path, fix="make it readable") from error
    except ValueError:  # a NUL character, or one that no file name can have
        raise UserError("there is no such file", where=path, fix="fix the path") from None


def too_many_bytes(where: object) -> UserError:
    return UserError(f"the file is larger than {MOST_BYTES // 2**20} MiB", where=where, fix="cut the word out of it")


def picture_of(data: bytes, *, where: object, channels: int = 1) -> NDArray[np.uint8]:
    """As `read_picture`, of a file's bytes; `where` names them in errors."""
    if not data:
        raise UserError("the file is empty", where=where, fix="give a picture file")
    with _opened(io.BytesIO(data), where) as image:
        _check(image, where)
        # Phones append a preview or a depth map to a JPEG (MPO): its first picture is the photograph.
        if image.format != "MPO" and _frames(image) > 1:
            raise UserError("the file holds several pictures", where=where, fix="save the one with the word alone")
        try:
            return _upright(image, data, channels)
        except _DAMAGED as error:
            raise _damaged(error, where) from error


def picture_of_image(image: Image.Image, *, where: object, channels: int = 1) -> NDArray[np.uint8]:
    """As `read_picture`, of an image of Pillow's."""
    _check(image, where)
    try:
        return _upright(image, b"", channels)
    except _DAMAGED as error:
        raise _damaged(error, where) from error


def picture_of_array(array: NDArray[Any], *, where: object, channels: int = 1) -> NDArray[np.uint8]:
    """As `read_picture`, of an array [height, width], [..., 1], [..., 3] RGB or [..., 4] RGBA of uint8, uint16 or bool.

    Raises:
        UserError: it has another shape or type, or is too large or too small.
    """
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8)
    if not fits or array.dtype not in (np.uint8, np.uint16, np.bool_):
        what = f"an array {list(array.shape)} of {array.dtype} is no picture"
        raise UserError(what, where=where, fix="give uint8 [height, width], [height, width, 3] or [height, width, 4]")
    if not array.size:
        raise UserError("the array is empty", where=where, fix="give a picture")
    pixels = np.ascontiguousarray(array)
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype == np.uint16:
        pixels = _eight_bits(pixels.astype(np.float64), _depth(pixels))
    return picture_of_image(Image.fromarray(pixels), where=where, channels=channels)


@contextlib.contextmanager
def _opened(file: BinaryIO, where: object) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damaged EXIF and large pictures: `_check` has its own limits
        try:
            image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError:
            raise UserError(_why_unknown(file), where=where, fix=f"give {FORMAT_NAMES}") from None
        except Image.DecompressionBombError:
            raise _too_large(where) from None
        except _DAMAGED as error:
            raise _damaged(error, where) from error
        with image:
            yield image


def _why_unknown(file: BinaryIO) -> str:
    file.seek(0)
    start = file.read(_START)
    name = next((name for name, magic in _NOT_READ.items() if magic.match(start)), None)
    return f"this is {name}: save it as PNG" if name else "this is no picture"


def _check(image: Image.Image, where: object) -> None:
    wide, high = image.size
    if wide * high > MOST_PIXELS:
        raise _too_large(where)
    if min(wide, high) < FEWEST_PIXELS:
        raise UserError(f"the picture has {wide}×{high} pixels", where=where, fix="give one that shows a whole word")


def _frames(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except _DAMAGED:
        return 1  # decoding will raise the error


def _damaged(error: Exception, where: object) -> UserError:
    said = _ADDRESS.sub("", str(error)) or type(error).__name__
    return UserError(f"the picture is damaged: {said}", where=where, fix="save it again, or leave it out")


def _too_large(where: object) -> UserError:
    what = f"the picture has more than {MOST_PIXELS // 10**6} million pixels"
    return UserError(what, where=where, fix="cut the word out of it")


def _upright(image: Image.Image, data: bytes, channels: int) -> NDArray[np.uint8]:
    loaded = _scaled_ppm(image, data) or image
    loaded.load()
    turn = _UPRIGHT.get(_orientation(image))
    picture = _with_channels(loaded, "L" if channels == 1 else "RGB")
    return np.asarray(picture.transpose(turn) if turn is not None else picture)


def _scaled_ppm(image: Image.Image, data: bytes) -> Image.Image | None:
    """A binary PGM or PPM whose white is neither 255 nor 65535: Pillow scales each pixel in Python, 16 ms a face."""
    if image.format != "PPM" or not isinstance(image, ImageFile.ImageFile) or image.tile[0].codec_name != "ppm":
        return None
    args: Any = image.tile[0].args
    mode, white = args
    shape = (image.height, image.width, *((3,) if mode == "RGB" else ()))
    form = np.dtype("u1" if white < 256 else ">u2")
    values = np.frombuffer(data, form, math.prod(shape), image.tile[0].offset)
    scale = np.rint(np.arange(256**form.itemsize) / white * 255).clip(max=255).astype(np.uint8)
    return Image.fromarray(scale[values].reshape(shape))


def _with_channels(image: Image.Image, mode: str) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        whole = 65535.0 if image.format == "PPM" else _depth(values) if image.mode.startswith("I;16") else None
        return Image.fromarray(_eight_bits(values, whole)).convert(mode)
    if image.has_transparency_data:
        # A transparent palette or grey keeps its transparency only by way of RGBA.
        return _on_white_or_black(image.convert("RGBA")).convert(mode)
    return image if image.mode == mode else image.convert("RGB").convert(mode)


def _on_white_or_black(inked: Image.Image) -> Image.Image:
    """On white, but where next to nothing of it shows there and more on black."""
    white, black = (Image.alpha_composite(Image.new("RGBA", inked.size, name), inked) for name in ("white", "black"))
    contrasts = [int(np.ptp(np.asarray(picture.convert("L")))) for picture in (white, black)]
    return black if contrasts[0] < min(FAINTEST, contrasts[1]) else white


def _depth(values: NDArray[Any]) -> float:
    """White of grey values up to 65535: of the least depth that has them, for many files have fewer bits than 16."""
    high = values.max()
    return float(next((white for white in DEPTHS if high <= white), DEPTHS[-1]))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except _DAMAGED:
        return 1  # damaged EXIF is no damage of the pixels


def _eight_bits(values: NDArray[np.float64], whole: float | None) -> NDArray[np.uint8]:
    """Grey values from 0 to `whole`, scaled to 0..255; without `whole`, white is inferred from the values."""
    if not np.isfinite(values).all():
        raise ValueError("some pixels are no numbers")
    low, high = float(values.min()), float(values.max())
    if whole is None:
        whole = next((top for top in (1.0, 255.0, 65535.0) if high <= top), high)
    if low < 0 or high > whole:
        values, whole = values - low, high - low
    return np.rint(values / whole * 255).astype(np.uint8)
