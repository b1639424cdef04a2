"""The pixels of a crop: as PNG, and the key that they give it."""

import hashlib
import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GREY, RGB = 0, 2  # colour types of PNG
Pixels = NDArray[np.uint8]


def encode_png(pixels: Pixels) -> bytes:
    """8-bit PNG of `pixels`: grey [height, width] or RGB [height, width, 3].

    Four times as fast as Pillow's encoder on small crops: no row filters, no encoder object.
    """
    height, width = pixels.shape[:2]
    lines = np.zeros((height, pixels[0].size + 1), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, GREY if pixels.ndim == 2 else RGB, 0, 0, 0)
    data = zlib.compress(lines.tobytes(), 3)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def decode_png(data: bytes) -> Pixels:
    """Pixels of one PNG: [height, width] of a grey one, RGB [height, width, 3] of one in colour."""
    # What `encode_png` wrote has one IDAT chunk, at byte 33, and no row filters: no need of a whole decoder.
    width, height, *form = struct.unpack_from(">IIBBBBB", data, 16)
    if form in ([8, GREY, 0, 0, 0], [8, RGB, 0, 0, 0]) and data[37:41] == b"IDAT":
        end = 41 + int.from_bytes(data[33:37])
        if data[end + 8 : end + 12] == b"IEND":
            lines = np.frombuffer(zlib.decompress(data[41:end]), np.uint8).reshape(height, -1)
            if not lines[:, 0].any():
                return lines[:, 1:] if form[1] == GREY else lines[:, 1:].reshape(height, width, 3)
    with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB" if in_colour(data) else "L"))


def in_colour(png: bytes) -> bool:
    """By the header's colour type: RGB, palette, or RGB with transparency."""
    return png[25] in (RGB, 3, 6)


def key_of(pixels: Pixels) -> str:
    """Identity of a crop: SHA-256 of its raw pixels, hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
