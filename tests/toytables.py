"""Toy tables of fonts and words, and the crop tables made of them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.drawing_settings import CropsSettings, FontsSettings, MixSettings, SplitCounts
from tasks.common.parallel import FanOut
from tasks.common.params import ProblemSettings, TagSettings
from tasks.crops.build import make_crops
from tasks.fonts.build import make_fonts
from tests.toyfonts import make_toy_fonts

COUNTS = SplitCounts(train=12, pool=6, validation=4, test_seen=4, test_unseen=4)
MIX = MixSettings(
    letter=0, two=0, digits=0, punctuation=0, title=0.3, capitals=0.3, vertical=0,
    window=0.2, tight=0.1, loose=0.1, neighbours=0.2, rules=0.1, sloped=0.1,
)  # fmt: skip
CROPS = CropsSettings(
    height=16,
    width=48,
    channels=1,
    text=COUNTS,
    others=1.0,
    background=COUNTS,
    mix=MIX,
    pairs=0.3,
    runner="threads",
    workers=1,
    scheduler=None,
)
TAG = TagSettings(
    validation_words=0.2, test_words=0.2, validation_groups=0.2, test_groups=0.2, pool=0.2, near=3, rejected=0.1
)
SCRIPTS = ProblemSettings(target="script", nuisances=["font_style"], group="design")


def make_toy_tables(folder: Path) -> dict[str, Path]:
    """Write tables of toy fonts and of random words for them, in two scripts."""
    make_toy_fonts(folder / "toyfonts", scripts=("Grek", "Latn"), designs_per_style=4)
    fonts = FontsSettings(
        source=str(folder / "toyfonts"), optional=False, weights=[400], widths=[100], italics=[], font_style=None
    )
    made = folder / "fonts.parquet"
    make_fonts(fonts, scripts=["Grek", "Latn"], out=made, designs=folder / "designs.json")
    letters = {"Grek": "αβγδεζηθικλμνξοπρστυφχψω", "Latn": "abcdefghijklmnopqrstuvwxyz"}
    random = np.random.default_rng(0)
    rows = [
        {"script": script, "text": text, "language": "en", "ambiguous": False, "kind": "word"}
        for script, alphabet in letters.items()
        for text in sorted({"".join(random.choice(list(alphabet), 3 + n % 6)) for n in range(40)})
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "words.parquet")
    return {"fonts": made, "words": folder / "words.parquet"}


def make_toy_crops(tables: dict[str, Path], home: Path, problem: ProblemSettings, fan_out: FanOut) -> dict[str, float]:
    """Make the table of `problem` in `home`, of the pictures there."""
    paths = tables | {"pictures": home / "pictures", "out": home / "crops", "work": home / "work"}
    return make_crops(CROPS, problem=problem, tag=TAG, seed=0, **paths, fan_out=fan_out)


def bytes_in(folder: Path) -> dict[str, bytes]:
    """What every file of `folder` holds."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
