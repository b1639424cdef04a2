"""A message to the page: a JSON header and pictures, in one piece of bytes."""

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.crop_table.png import Pixels


def pack(header: Mapping[str, Any], arrays: Mapping[str, Pixels]) -> bytes:
    """The header's length (uint32, little-endian), the header, and the arrays' bytes one after another.

    The header's `arrays` says each one's name and shape, in their order.
    """
    shapes = [[name, list(array.shape)] for name, array in arrays.items()]
    text = json.dumps({**header, "arrays": shapes}, ensure_ascii=False, allow_nan=False).encode()
    return b"".join([struct.pack("<I", len(text)), text, *(np.ascontiguousarray(a).tobytes() for a in arrays.values())])


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, Pixels]]:
    """What `pack` packed: the header without `arrays`, and the arrays."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    arrays, start = {}, 4 + length
    for name, shape in header.pop("arrays"):
        size = int(np.prod(shape))
        arrays[name] = np.frombuffer(message, np.uint8, size, start).reshape(shape)
        start += size
    return header, arrays
