"""The README's figure: words in typefaces that no training saw, with what the chosen model predicts.

    python -m benchmarks.readme_figure [HOME] [--out docs/figures/predictions.png]

HOME is where `unfont run` has made everything (data/scripts unless given). Nothing is chosen by hand: see `choose`. The
same home gives the same bytes.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from babel import Locale
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tasks.common.files import read_json, written_whole
from tasks.crop_table.shards import pictures
from tasks.crop_table.splits import SEVERITY, TEST_UNSEEN
from tasks.metrics.classification import is_text
from tasks.report.evidence import as_tested

COLUMNS, ROWS = 4, 6
ENLARGED, GAP, LINE = 2, 10, 18  # GAP and LINE in pixels: between pictures, and of a line of words
RIGHT, WRONG, BACKGROUND = "#1a1a1a", "#c0182a", "#ffffff"
SIZE = 13  # of the words, pixels
Pixels = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, nargs="?", default=Path("data/scripts"))
    parser.add_argument("--out", type=Path, default=Path("docs/figures/predictions.png"))
    arguments = parser.parse_args()
    if not (arguments.home / "predictions.parquet").is_file():
        sys.exit(f"there are no predictions ({arguments.home}): make them with `unfont run`")
    summary = make_figure(arguments.home, arguments.out)
    print(f"{arguments.out}: {summary}")


def make_figure(home: Path, out: Path) -> str:
    """Write the figure of `home` to `out`; returns a line with how many of its pictures are wrong."""
    rows = text_of(home)
    chosen = choose(rows, COLUMNS * ROWS)
    model = read_json(home / read_json(home / "chosen.json")["path"] / "model.json")
    crops = as_tested(pictures(home / "table", chosen["key"].tolist()), channels=model.get("channels", 1))
    out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(out) as beside:
        sheet_of(chosen, crops).save(beside, format="PNG", optimize=True)
    wrong = int((chosen["true"] != chosen["predicted"]).sum())
    return f"{wrong} of {len(chosen)} wrong, as {(rows['true'] != rows['predicted']).mean():.1%} of {len(rows)} are"


def text_of(home: Path) -> pd.DataFrame:
    """`key, true, predicted, p` of the chosen model on the text crops of unseen typefaces that metrics count."""
    name = read_json(home / "chosen.json")["name"]
    rows = pd.read_parquet(home / "predictions.parquet")
    rows = rows[(rows["model"] == name) & (rows["split"] == TEST_UNSEEN) & (rows["severity"] == SEVERITY)]
    rows = rows[is_text(rows)]
    return rows[["key", "true", "predicted", "p"]].astype({"true": str, "predicted": str})


def choose(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """`count` of `rows`, as many wrong ones as there are among all of them (one at least), in the order of their keys.

    Keys are hashes, so their order is random. Labels take turns: of the right ones the first of each label comes
    before the second of any, and of the wrong ones too.
    """
    rows = rows.sort_values("key", ignore_index=True)
    right = rows["true"] == rows["predicted"]
    turn = rows.groupby([rows["true"], right]).cumcount()
    ordered = rows.assign(turn=turn, right=right).sort_values(["turn", "key"])
    wrong = min(int((~right).sum()), max(1, round(count * float((~right).mean()))))
    parts = [ordered[~ordered["right"]].head(wrong), ordered[ordered["right"]].head(count - wrong)]
    return pd.concat(parts).sort_values("key", ignore_index=True)[["key", "true", "predicted", "p"]]


def sheet_of(chosen: pd.DataFrame, crops: dict[str, Pixels]) -> Image.Image:
    """The crops in rows of `COLUMNS`, enlarged; below each its prediction and probability, and a wrong one's truth."""
    height, width = next(iter(crops.values())).shape[:2]
    across, down = width * ENLARGED + GAP, height * ENLARGED + 2 * LINE + GAP
    sheet = Image.new("RGB", (GAP + COLUMNS * across, GAP + -(-len(chosen) // COLUMNS) * down), BACKGROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(SIZE)
    for number, row in enumerate(chosen.to_dict("records")):
        left, top = GAP + number % COLUMNS * across, GAP + number // COLUMNS * down
        picture = Image.fromarray(crops[row["key"]]).convert("RGB")
        sheet.paste(picture.resize((width * ENLARGED, height * ENLARGED), Image.Resampling.NEAREST), (left, top))
        right = row["true"] == row["predicted"]
        colour = RIGHT if right else WRONG
        top += height * ENLARGED + 2
        pen.text((left, top), f"{name_of(row['predicted'])} {row['p']:.0%}", fill=colour, font=font)
        if not right:
            pen.text((left, top + LINE - 2), f"wrong: it is {name_of(row['true'])}", fill=colour, font=font)
    return sheet


def name_of(label: str) -> str:
    """A script's English name, of an ISO 15924 code; any other label as it is."""
    return str(Locale("en").scripts.get(label, label))


if __name__ == "__main__":
    main()
