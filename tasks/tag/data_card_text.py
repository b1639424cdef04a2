"""The sentences and tables of a data card, as Markdown. What a table holds is escaped before it is shown."""

import html
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tasks.common.params import UNWRITTEN, ProblemSettings
from tasks.crop_table.splits import SPLITS
from tasks.tag.data_card_counts import Contents
from tasks.tag.sample_sheet import in_order
from unfont.labels import MEANINGS

LONGEST = 40  # characters of a label that are shown
MOST_ROWS, MOST_COLUMNS = 60, 20  # of a table of counts; the rest is added up
SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}
OTHERS = "(others)"
MEANING = {
    "image": "the crop, a PNG: `bytes`, and in `path` the name of the picture that it was cut from, where it had one",
    "font_family": "the family of the font that drew it; null for other people's pictures",
    "text": "what is written in it or in all of its line or picture; null where nobody said, or nothing is written",
    "kind": f"`word`, or `window`, a piece of a line; of `{UNWRITTEN}` the background's generator, or `user`",
    "origin": "`rendered` from a font, `user`: a picture that was brought in, or `live`: one that the live page kept",
    "pair": "shared by crops that should differ in the nuisance alone, such as one text in two designs; else null",
    "ambiguous": "whether all letters of the text have homoglyphs in one other script; null where there is no text",
    "key": "SHA-256 of the pixels, hexadecimal: no two rows share it",
    "split": "which part of the data the row belongs to",
}
COUNTED = {
    "given": "crops given",
    "accepted": "accepted: the rows of this table",
    "rejected": "rejected: they cannot be used",
    "set_aside": "set aside: their text or picture stands on another side of the data",
    "near_duplicates": "near-duplicates: pictures that are nearly another one of the same text, on the same side",
}


def front_matter(schema: pa.Schema, name: str, rows: int, place: str) -> str:
    """What the hub and `datasets` read: one table, whose column `split` says which part a row is of."""
    features = [{"name": field.name, "dtype": _dtype(field)} for field in schema]
    size = next((words for most, words in SIZES.items() if rows < most), "n>10M")
    matter = {
        "pretty_name": name,
        "task_categories": ["image-classification"],
        "size_categories": [size],
        "configs": [{"config_name": "default", "data_files": [{"split": "crops", "path": f"{place}/part-*.parquet"}]}],
        "dataset_info": {"features": features},
    }
    return f"---\n{yaml.safe_dump(matter, sort_keys=False, allow_unicode=True)}---\n"


def _dtype(field: pa.Field) -> str:
    if field.name == "image":
        return "image"
    return "bool" if pa.types.is_boolean(field.type) else "string"


def opening(problem: ProblemSettings, name: str, sheet: str) -> str:
    nuisances = " and ".join(f"`{plain(nuisance)}`" for nuisance in problem.nuisances)
    forget = f" whatever its {nuisances}" if nuisances else ""
    return (
        f"# {plain(name)}\n\n"
        f"Pictures labelled by `{plain(problem.target)}`: what a model is to tell of a picture{forget}. "
        f"Whole groups (`{plain(problem.group)}`) are held out for validation and test.\n\n![samples]({sheet})\n"
    )


def rows_by_split(contents: Contents) -> str:
    splits = [split for split in SPLITS if split in contents.splits] or list(contents.splits)
    lines = [[f"`{split}`", str(contents.splits[split])] for split in splits]
    return "## Rows\n\n" + table(["split", "rows"], [*lines, ["all", str(contents.rows)]])


def what_was_left_out(counts: Mapping[str, float], seed: int | None) -> str:
    lines = [f"- {meaning}: {int(counts[name])}" for name, meaning in COUNTED.items() if name in counts]
    pictures, crops = int(counts.get("own_pictures", 0)), int(counts.get("own_crops", 0))
    if pictures != crops:
        lines.append(f"- of the accepted, {crops} are windows of {pictures} pictures that were brought in")
    if seed is not None:
        lines.append(f"- seed of every random choice: {seed}")
    return "\n".join(lines) + "\n" if lines else ""


def cells(contents: Contents, target: str, nuisance: str | None) -> str:
    """Rows by target and nuisance; without a nuisance, by target and split."""
    if nuisance is None:
        counted, across = Counter({(b, a): n for (a, b), n in contents.by_split.items()}), "split"
    else:
        counted, across = contents.cells[nuisance], nuisance
    rows = _cut(in_order(cell[0] for cell in counted), MOST_ROWS)
    order = [split for split in SPLITS if any(cell[1] == split for cell in counted)]
    columns = order if nuisance is None else _cut(in_order(cell[1] for cell in counted), MOST_COLUMNS)
    held: Counter[tuple[str, str]] = Counter()
    for (row, column), count in counted.items():
        held[row if row in rows else OTHERS, column if column in columns else OTHERS] += count
    lines = [[plain(row), *[str(held[row, column] or "-") for column in columns]] for row in rows]
    return f"Rows by `{plain(target)}` and `{plain(across)}`:\n\n" + table([plain(target), *map(plain, columns)], lines)


def _cut(labels: list[str], most: int) -> list[str]:
    return labels if len(labels) <= most else [*labels[: most - 1], OTHERS]


def columns(schema: pa.Schema, problem: ProblemSettings, contents: Contents) -> str:
    roles = {problem.group: "group: held out whole, so that no test is on what training has seen"}
    roles |= dict.fromkeys(problem.nuisances, "nuisance: what a model is to forget; null where unknown")
    special = [f"; `{label}`: {meaning}" for label, meaning in MEANINGS.items() if label in contents.targets]
    roles |= {problem.target: "target: what a model is to tell" + "".join(special)}
    if problem.group in problem.nuisances:
        roles[problem.group] = "nuisance, and group: what a model is to forget, held out whole"
    meaning = MEANING | roles
    lines = [[f"`{plain(field.name)}`", _dtype(field), meaning.get(field.name, "")] for field in schema]
    return "## Columns\n\n" + table(["column", "type", "meaning"], lines)


def licences(families: set[str], fonts: Path) -> str:
    """Licences of the families that drew the crops, as the table of fonts has them."""
    known = pq.read_table(fonts, columns=["family", "licence"])
    licence_of = dict(
        zip(*(known.column(name).cast(pa.string()).to_pylist() for name in known.column_names), strict=True)
    )
    counted = Counter(licence_of.get(family) or "unknown" for family in families)
    lines = [[plain(licence), str(count)] for licence, count in sorted(counted.items())]
    return "## Licences of the fonts\n\n" + table(["licence", "families"], lines) if lines else ""


def how_to_load(place: str) -> str:
    return f"""## How to load it

In this folder:

```python
from datasets import load_dataset
crops = load_dataset("parquet", data_files="{place}/*.parquet", split="train")  # "train" is all of it
train = crops.filter(lambda row: row["split"] == "train")
train[0]["image"]  # a PIL image

import pandas as pd
frame = pd.read_parquet("{place}", columns=["key", "split"])

import pyarrow.parquet as pq
table = pq.read_table("{place}", filters=[("split", "=", "train")])
```

`load_dataset` of this folder itself gives the same rows, as the one split `crops`.
"""


def table(head: list[str], lines: Iterable[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows) + "\n"


def plain(label: str) -> str:
    """A label that cannot be taken for Markdown or HTML, on one line, at most `LONGEST` characters of it."""
    line = "".join(char if char.isprintable() else " " for char in label)
    line = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
    return re.sub(r"([\\`*\[\]|~#!]|_(?=\W|$)|(?<!\w)_)", r"\\\1", html.escape(line, quote=False))
