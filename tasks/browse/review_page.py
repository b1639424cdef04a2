"""The page on which a person reviews suspected labels: one file that opens without a network."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.crop_table.shards import read_table
from tasks.pages.single_page import address_of, write_page

MOST = 500  # suspects on a page: more would be tens of megabytes
ENLARGED = 3  # times, the most that a crop is enlarged
SHOWN = (160, 320)  # height and width in pixels, the most that it is enlarged to


@dataclass(frozen=True, kw_only=True)
class ShownCrop:
    """A crop as the page shows it: a `data:` address, its size on the page in pixels, its file's name if known."""

    address: str
    height: int
    width: int
    name: str


def write_review_page(
    out: Path, suspects: pd.DataFrame, *, table: Path, labels: Collection[str], problem: str, target: str
) -> int:
    """Write the page of the first `MOST` of `suspects`, as `tasks.mine.review.pending` orders them, at `out`.

    The same suspects give the same bytes. A suspect that is no longer in the table is shown without its picture.

    Args:
        labels: the labels that a crop can have.

    Returns:
        how many suspects are not on the page.

    Raises:
        UserError: there is no crop table, or the page cannot be written.
    """
    cards = suspects.head(MOST)
    # An outdated round may name a label that is no longer in the table.
    names = sorted({*labels, *cards["given"], *cards["suggested"]})
    write_page(
        out,
        "review",
        cards=cards.to_dict("records"),
        pictures=_pictures(table, list(cards["key"])),
        labels=names,
        offered=[names.index(label) for label in sorted(labels)],
        places={label: index for index, label in enumerate(names)},
        more=len(suspects) - len(cards),
        problem=problem,
        target=target,
    )
    return len(suspects) - len(cards)


def _pictures(table: Path, keys: list[str]) -> dict[str, ShownCrop]:
    rows = read_table(table, ["key", "image"], pc.field("key").isin(pa.array(keys, pa.string()))).to_pylist()
    return {row["key"]: _picture(row["image"]["bytes"], row["image"]["path"] or "") for row in rows}


def _picture(png: bytes, name: str) -> ShownCrop:
    width, height = (int.from_bytes(png[at : at + 4]) for at in (16, 20))  # of PNG's header
    factor = max(1.0, min(ENLARGED, SHOWN[0] / height, SHOWN[1] / width))
    return ShownCrop(address=address_of(png), height=round(height * factor), width=round(width * factor), name=name)
