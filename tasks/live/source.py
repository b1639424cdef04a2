"""The present picture of a viewer: a file, a frame of a video, or typed text."""

import struct
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tasks.crop_table.png import Pixels
from tasks.live.network import LiveNetwork
from tasks.live.reading import Windows, windows_of
from unfont.errors import UserError
from unfont.picture import FEWEST_PIXELS, picture_of

HEADER = struct.Struct("<BIHH")  # kind, number, width, height, before the bytes of a picture
FILE, STILL, FRAME = 0, 1, 2  # a picture file; grey or RGBA pixels of a still picture; … of a frame of a video
MOST_SIDE = 2048  # of pixels; files may have more (`unfont.picture`)


@dataclass
class Source:
    """A picture as the page sent it, decoded when it is first asked for. `number` is the page's own."""

    kind: int
    number: int
    data: bytes
    width: int = 0
    height: int = 0
    _pixels: Pixels | None = None
    _windows: dict[tuple[str, bool], Windows] = field(default_factory=dict)

    @classmethod
    def of_message(cls, message: bytes) -> "Source":
        """The picture of a message: `HEADER`, then its bytes.

        Raises:
            UserError: it is no such message.
        """
        if len(message) < HEADER.size:
            raise _no_picture("the message is too short")
        kind, number, width, height = HEADER.unpack_from(message)
        data = message[HEADER.size :]
        if kind not in (FILE, STILL, FRAME):
            raise _no_picture(f"{kind} is no kind of picture")
        if kind != FILE:
            if max(width, height) > MOST_SIDE or min(width, height) < FEWEST_PIXELS:
                raise _no_picture(f"the picture has {width}×{height} pixels")
            if len(data) not in (width * height, 4 * width * height):
                raise _no_picture(f"{len(data)} bytes are not {width}×{height} pixels of 1 or 4")
        return cls(kind, number, data, width, height)

    @classmethod
    def of_pixels(cls, number: int, pixels: Pixels) -> "Source":
        """A picture that was drawn here."""
        return cls(STILL, number, b"", pixels.shape[1], pixels.shape[0], pixels)

    @property
    def moving(self) -> bool:
        """Whether the next frame follows soon."""
        return self.kind == FRAME

    @property
    def pixels(self) -> Pixels:
        """uint8 `[height, width]` or RGB `[height, width, 3]`.

        Raises:
            UserError: the file is no picture, damaged or too large.
        """
        if self._pixels is None:
            if self.kind == FILE:
                self._pixels = picture_of(self.data, where="the picture", channels=3)
                self.data = b""
            elif len(self.data) == self.width * self.height:
                self._pixels = np.frombuffer(self.data, np.uint8).reshape(self.height, self.width)
            else:
                # By Pillow: NumPy takes three times as long.
                rgba = Image.frombuffer("RGBA", (self.width, self.height), self.data)
                self._pixels = np.asarray(rgba.convert("RGB"))
        return self._pixels

    def windows(self, live: LiveNetwork, *, whole: bool) -> Windows:
        """The picture as the network reads it; found once.

        Raises:
            UserError: as `pixels`.
        """
        key = (live.name, whole)
        if key not in self._windows:
            self._windows[key] = windows_of(live, self.pixels, moving=self.moving, whole=whole)
        return self._windows[key]


def _no_picture(what: str) -> UserError:
    return UserError(what, where="the page's message", fix="reload the page")
