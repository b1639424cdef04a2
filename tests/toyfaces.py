"""Heads that look left, right, up or straight, of several people: a small stand-in for CMU Face Images."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

PEOPLE = ("ada", "bob", "cyd", "dee", "eve", "fay", "gus", "hal")
POSES = {"left": (-6, 0), "right": (6, 0), "up": (0, -5), "straight": (0, 0)}
MOODS = ("angry", "happy", "neutral", "sad")


def head(person: int, pose: str, random: np.random.Generator, *, height: int = 24, width: int = 32) -> np.ndarray:
    """A light oval with two dark eyes on the side to which the head looks, uint8 `[height, width]`."""
    rows, columns = np.mgrid[:height, :width].astype(float)
    middle_x, middle_y = width / 2, height / 2
    oval = ((columns - middle_x) / (7 + person % 3)) ** 2 + ((rows - middle_y) / (9 - person % 2)) ** 2 < 1
    picture = np.where(oval, 200 - 8 * person, 60.0)
    across, down = POSES[pose]
    for side in (-3, 3):
        x, y = middle_x + across * 0.6 + side, middle_y - 2 + down * 0.6
        picture[(columns - x) ** 2 + (rows - y) ** 2 < 3] = 20
    return np.clip(picture + random.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def make_toy_faces(path: Path, *, moods: tuple[str, ...] = MOODS, damaged: int = 1) -> int:
    """Write an archive as CMU's at `path`; returns how many pictures are good. Some files end in `.bad`."""
    random = np.random.default_rng(5)
    good = 0
    with tarfile.open(path, "w:gz") as archive:
        for number, person in enumerate(PEOPLE):
            for pose in POSES:
                for mood in moods:
                    for eyes in ("open", "sunglasses"):
                        _add(archive, f"faces/{person}/{person}_{pose}_{mood}_{eyes}_2.pgm", head(number, pose, random))
                        good += 1
        for number in range(damaged):
            _add(archive, f"faces/ada/ada_left_{number}_open_2.pgm.bad", head(0, "left", random))
    return good


def _add(archive: tarfile.TarFile, name: str, pixels: np.ndarray) -> None:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PPM")
    entry = tarfile.TarInfo(name)
    entry.size = len(file.getvalue())
    archive.addfile(entry, io.BytesIO(file.getvalue()))
