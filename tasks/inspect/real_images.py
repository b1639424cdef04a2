"""Real images for a network's units: crops of the table, or the pictures of a folder, all of one size."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.settings import CLEAN
from tasks.crop_table.png import Pixels
from tasks.crop_table.splits import VALIDATION
from tasks.explain.sample import Sample
from tasks.images.path_pattern import find_files
from tasks.images.training_windows import evenly_spread, training_windows
from tasks.train.batches import as_images
from unfont.errors import UserError
from unfont.picture import FORMAT_NAMES, read_picture
from unfont.reading import fit
from unfont.text import clip

PICTURE = re.compile(r".*\.(png|jpe?g|pgm|ppm|pbm|pnm|tiff?|webp|bmp)", re.DOTALL | re.IGNORECASE)
MOST_BYTES = 2**29  # of pixels in memory
PARTS_PIXELS = 2**20  # of one forward pass: more of them leave the processor's cache
NAMED = 3  # sizes that an error names, and pictures of each


@dataclass(frozen=True, kw_only=True)
class RealImages:
    """`pixels` uint8 `[n, h, w]`, or `[n, h, w, 3]` where one of them is in colour, with names and labels ("": none).

    `source` is where they come from; `there` is how many pictures there are, of which `taken` were taken. A picture may
    be here as several windows.
    """

    source: str
    names: list[str]
    labels: list[str]
    pixels: Pixels
    there: int
    taken: int

    @classmethod
    def of_table(cls, table: Path, *, target: str, most: int) -> "RealImages":
        """Clean crops of validation: where there are more than `most`, a random sample, the same each time.

        Raises:
            UserError: there is no table, or it has no validation crops.
        """
        sample = Sample.of_split(table, VALIDATION, target=target, most=most, severity=CLEAN)
        return cls(
            source="crops of validation", names=sample.keys, labels=[str(label) for label in sample.labels],
            pixels=sample.pixels, there=len(sample), taken=len(sample),
        )  # fmt: skip

    @classmethod
    def of_folder(
        cls, folder: Path, *, most: int, size: tuple[int, int] | None = None, in_windows: bool = False
    ) -> "RealImages":
        """The pictures below a folder, by name; where there are more than `most`, so many at even distances.

        Their names are their paths in it, their labels the first folders of these. They are as large as they are; with
        `size` (height, width) each is fitted into it or, `in_windows`, cut into the windows of that size that training
        may show (`tasks.images.training_windows`): each is an image, its name followed by its number.

        Raises:
            UserError: there is no such folder, it holds no pictures, one cannot be read, or their sizes differ.
        """
        paths = _pictures_in(folder)
        first = _images_of(folder / paths[0], size, in_windows)[0]
        room = min(most, max(1, MOST_BYTES // (3 * first.shape[0] * first.shape[1])))
        taken = [paths[place] for place in evenly_spread(len(paths), room)]
        numbered, pixels = _of_one_size(folder, taken, size, in_windows)
        what = "pictures" if len(numbered) == len(taken) else "windows of pictures"
        return cls(
            source=f"{what} in {clip(folder.name or folder)}", names=[_title(*one) for one in numbered],
            labels=[name.partition("/")[0] if "/" in name else "" for name, _, _ in numbered],
            pixels=pixels, there=len(paths), taken=len(taken),
        )  # fmt: skip

    @property
    def colour(self) -> bool:
        return self.pixels.ndim == 4

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def read(self, numbers: Sequence[int], channels: int) -> Tensor:
        """`float32[n, channels, h, w]` in [0, 1]."""
        return as_images(torch.from_numpy(self.pixels[list(numbers)]), channels).contiguous()

    def batches(self, channels: int) -> Iterator[Tensor]:
        """All images in turn, a few at a time, as `read` gives them."""
        height, width = self.size
        step = min(256, max(1, PARTS_PIXELS // (height * width)))
        for start in range(0, len(self.names), step):
            yield self.read(range(start, min(start + step, len(self.names))), channels)

    def some(self, most: int, channels: int) -> Tensor:
        """At most `most` of them at even distances, as `read` gives them."""
        return self.read(evenly_spread(len(self.names), most), channels)


def _pictures_in(folder: Path) -> list[str]:
    try:
        there = folder.is_dir()
    except (OSError, ValueError):  # a name that no folder can have
        there = False
    if not there:
        raise UserError(
            "there is no such folder", where=clip(folder, 200), fix="name the folder that holds the pictures"
        )
    found = list(find_files(folder, PICTURE))
    names = [one.name for one in found if one.reason is None]
    if not names:
        refused = next((f"{clip(one.name)} {one.reason}" for one in found if PICTURE.fullmatch(one.name)), None)
        fix = f"put pictures into it: {FORMAT_NAMES}" if refused is None else f"put pictures into it; {refused}"
        raise UserError("there are no pictures in this folder", where=clip(folder, 200), fix=fix)
    return names


def _images_of(path: Path, size: tuple[int, int] | None, in_windows: bool) -> Pixels:
    """A picture's images as uint8 `[n, h, w]` where it is grey, else `[n, h, w, 3]`."""
    try:
        picture = read_picture(path, channels=3)
    except UserError as error:
        fix = "give a picture of 4 pixels or more each way, or take it out of the folder"
        raise UserError(error.what, where=clip(path, 200), fix=fix) from error
    if (picture == picture[..., :1]).all():
        picture = picture[..., 0]
    if size is None:
        return picture[None]
    height, width = size
    return (
        training_windows(picture, height=height, width=width)
        if in_windows
        else fit(picture, height=height, width=width)[None]
    )


def _of_one_size(
    folder: Path, names: Sequence[str], size: tuple[int, int] | None, in_windows: bool
) -> tuple[list[tuple[str, int, int]], Pixels]:
    """The images of all pictures, and of each its picture's name, its number there from 1, and of how many."""
    kept: list[Pixels] = []
    numbered: list[tuple[str, int, int]] = []
    sizes: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in names:
        images = _images_of(folder / name, size, in_windows)
        sizes[images.shape[1:3]].append(name)
        numbered += [(name, number, len(images)) for number in range(1, len(images) + 1)]
        if len(sizes) == 1:  # else it will be refused, and pixels need not be kept
            kept.append(images)
    if len(sizes) > 1:
        raise UserError(
            f"the pictures have {len(sizes)} sizes: {_sizes_text(sizes)}", where=clip(folder, 200), fix="give them one"
        )
    if any(images.ndim == 4 for images in kept):
        kept = [images if images.ndim == 4 else images[..., None].repeat(3, axis=3) for images in kept]
    return numbered, np.concatenate(kept)


def _title(name: str, number: int, count: int) -> str:
    return f"{name}, window {number} of {count}" if count > 1 else name


def _sizes_text(sizes: dict[tuple[int, ...], list[str]]) -> str:
    """'32×64 in 12 (a.png, …), 16×16 in 1 (b.png)', the most frequent first."""
    ordered = sorted(sizes.items(), key=lambda item: -len(item[1]))
    parts = [
        f"{height}×{width} in {len(names)} ({', '.join(clip(name) for name in names[:NAMED])}"
        f"{', …' if len(names) > NAMED else ''})"
        for (height, width), names in ordered[:NAMED]
    ]
    return ", ".join(parts) + (", …" if len(ordered) > NAMED else "")
