"""What the painters of backgrounds share: directions, a canvas, random positions on it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Grey = NDArray[Any]  # [height, width], floats of any precision, dark marks on a light background
Painter = Callable[[Generator, int, int], Grey]


def axes(height: int, width: int) -> tuple[Grey, Grey]:
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return rows, columns


def along(rng: Generator, height: int, width: int, tilt: float = np.pi) -> Grey:
    """Distance in pixels along a random direction."""
    rows, columns = axes(height, width)
    angle = rng.uniform(-tilt, tilt)
    return np.cos(angle) * columns + np.sin(angle) * rows


def new_canvas(height: int, width: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A canvas of twice the size, for antialiasing."""
    image = Image.new("L", (2 * width, 2 * height), 255)
    return image, ImageDraw.Draw(image)


def to_grey(image: Image.Image) -> Grey:
    return np.asarray(image.reduce(2), np.float32) / 255


def scatter(rng: Generator, count: int, height: int, width: int) -> list[tuple[float, float]]:
    spread = rng.uniform(-0.2, 1.2, (count, 2)) * (2 * width, 2 * height)
    return [(float(x), float(y)) for x, y in spread]
