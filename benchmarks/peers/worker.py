"""The peers' crops, in the peers' own environment: `python -m benchmarks.peers.worker JOBS.json [SHEET.png]`.

Both make pictures in memory and write none. They open the font's file for every crop, SynthTIGER for every letter,
and the photograph's that a texture is cut from: that is what they do.

With SHEET.png nothing is measured: the first crops of every tool are drawn there, to be looked at.
"""

import itertools
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
from PIL import Image

from benchmarks.turns import serve

TEMPLATE = Path(__file__).with_name("template.py")
PHOTO = 4000  # pixels, the width of a photograph of 12 megapixels or so
FEW = 5  # crops between two looks at the clock
# trdg's own steps that have their likes among ours: a slant, waves, blur, grey ink; its default background is noise.
DEGRADED = {
    "skewing_angle": 3,
    "random_skew": True,
    "blur": 1,
    "random_blur": True,
    "distorsion_type": 1,
    "distorsion_orientation": 0,
    "text_color": "#000000,#787878",
}


def crops_of(given: dict[str, Any]) -> dict[str, Iterator[Image.Image]]:
    """Crops without end, of every tool: `given` has `jobs` [[text, font file], …] and `height`."""
    return {
        "trdg": trdg(given, **DEGRADED),
        "trdg_plain": trdg(given, background_type=1),
        "synthtiger": synthtiger(given, textures=pictures()),
        "synthtiger_degraded": synthtiger(given, textures=pictures(), degraded=True),
        "synthtiger_photos": synthtiger(given, textures=enlarged(pictures(), Path(sys.argv[1]).parent)),
    }


def trdg(given: dict[str, Any], **settings: Any) -> Iterator[Image.Image]:
    """Its generator that takes strings: the n-th text in the n-th font. It gives None for a crop that it gives up."""
    from trdg.generators import GeneratorFromStrings

    random.seed(0)
    texts, fonts = ([job[place] for job in given["jobs"]] for place in (0, 1))
    generator = GeneratorFromStrings(texts, fonts=fonts, size=given["height"], **settings)
    return (crop for crop, _ in generator if crop is not None)


def synthtiger(given: dict[str, Any], *, textures: list[str], degraded: bool = False) -> Iterator[Image.Image]:
    """Its own generator, in this process; without `retry`, which would hide errors."""
    import synthtiger

    config = {**given, "textures": textures, "degraded": degraded}
    generator = synthtiger.generator(str(TEMPLATE), "WordCrop", config, worker=0, seed=0, retry=False, verbose=True)
    for _, crop in generator:
        if crop is None:
            sys.exit("SynthTIGER could not make a crop")
        yield crop


def pictures() -> list[str]:
    """The four photographs, 960 pixels wide, that trdg comes with: SynthTIGER comes with none."""
    import trdg

    return sorted(map(str, (Path(trdg.__file__).parent / "images").glob("*.jpg")))


def enlarged(paths: list[str], folder: Path) -> list[str]:
    """The same as large as a telephone takes them: SynthTIGER reads a texture's whole file for every crop."""
    made = []
    for path in map(Path, paths):
        with Image.open(path) as picture:
            large = picture.resize((PHOTO, picture.height * PHOTO // picture.width))
        large.save(folder / path.name, quality=90)
        made.append(str(folder / path.name))
    return made


def make_tools() -> dict[str, Callable[[], int]]:
    """Each tool with one call behind it, so that what it loads once is loaded."""
    cv2.setNumThreads(1)
    tools = {name: few(crops) for name, crops in crops_of(read_jobs()).items()}
    for tool in tools.values():
        tool()
    return tools


def few(crops: Iterator[Image.Image]) -> Callable[[], int]:
    return lambda: len(list(itertools.islice(crops, FEW)))


def read_jobs() -> dict[str, Any]:
    return json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def draw_sheet(path: str, rows: int = 16) -> None:
    """A column of crops a tool."""
    tools = crops_of(read_jobs())
    sheet = Image.new("RGB", (260 * len(tools), 40 * rows), "white")
    for column, crops in enumerate(tools.values()):
        for row in range(rows):
            sheet.paste(next(crops), (260 * column, 40 * row))
    sheet.save(path)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        draw_sheet(sys.argv[2])
    else:
        serve(make_tools)
