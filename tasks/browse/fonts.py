"""The table of fonts as text: designs by script and style, gaps, and held-out designs."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.params import SYMBOLS
from tasks.crop_table.splits import DESIGN_SIDES
from tasks.fonts.font_file import STYLES
from tasks.pages.text_table import aligned
from unfont.errors import UserError

COLUMNS = ["script", "font_style", "design", "side", "family"]
WIDTH = 120
NONE = "-"
ENOUGH = 3  # designs of a script: one for each split


def format_fonts(table: Path) -> str:
    """The fonts of the table at `table`, as aligned text of at most 120 columns.

    Designs by script and style, with `-` where there is none; the scripts with fewer than three designs; the
    designs that are held out, with their families; and the icon fonts, which count for no script.

    Raises:
        UserError: the table is missing, or is not a table of fonts.
    """
    rows = _read(table)
    fonts, icons = rows[rows["script"] != SYMBOLS], rows[rows["script"] == SYMBOLS]
    if fonts.empty:
        return "no fonts: this problem renders no crops"
    parts = [_designs_by_style(fonts), _few(fonts)]
    parts += [_listed(f"held out for {side}", fonts[fonts["side"] == side]) for side in DESIGN_SIDES[1:]]
    parts += [_icons(icons)]
    return "\n\n".join(part for part in parts if part)


def _read(table: Path) -> pd.DataFrame:
    try:
        read = pq.read_table(table, columns=COLUMNS)
    except FileNotFoundError:
        raise UserError("there is no table of fonts", where=table, fix="run `unfont run fonts`") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"no table of fonts: {error}", where=table, fix="run `unfont run fonts`") from error
    if set(read.column_names) != set(COLUMNS):
        raise UserError("no table of fonts: columns are missing", where=table, fix="run `unfont run fonts`")
    frame = read.to_pandas()
    return frame.astype(str).drop_duplicates(ignore_index=True)


def _designs_by_style(fonts: pd.DataFrame) -> str:
    found = set(fonts["font_style"])
    styles = [*(style for style in STYLES if style in found), *sorted(found - set(STYLES))]
    lines = [["script", *styles, "designs", *DESIGN_SIDES, "families"]]
    for script, rows in fonts.groupby("script"):
        lines.append([str(script), *_counts(rows, styles)])
    lines.append(["all", *_counts(fonts, styles)])
    return "\n".join(aligned(lines, numbers=True))


def _counts(rows: pd.DataFrame, styles: Sequence[str]) -> list[str]:
    by_style = [rows[rows["font_style"] == style]["design"].nunique() for style in styles]
    by_side = [rows[rows["side"] == side]["design"].nunique() for side in DESIGN_SIDES]
    counts = [*by_style, rows["design"].nunique(), *by_side, rows["family"].nunique()]
    return [str(count) if count else NONE for count in counts]


def _few(fonts: pd.DataFrame) -> str:
    counts = fonts.groupby("script")["design"].nunique()
    few = [f"{script} {count}" for script, count in counts.items() if count < ENOUGH]
    return f"fewer than {ENOUGH} designs, so not in every split: {', '.join(few)}" if few else ""


def _listed(title: str, rows: pd.DataFrame) -> str:
    """A line for each design: its name, and its families where it has others."""
    lines = []
    for design, group in rows.groupby("design"):
        families = sorted(set(group["family"]))
        lines.append(str(design) if families == [design] else f"{design}: {', '.join(families)}")
    return _paragraph(f"{title} ({len(lines)} designs)", lines) if lines else ""


def _icons(rows: pd.DataFrame) -> str:
    lines = [f"{family} ({side})" for family, side in sorted(set(zip(rows["family"], rows["side"], strict=True)))]
    return _paragraph("icons, for non-text crops", lines) if lines else ""


def _paragraph(title: str, entries: Iterable[str]) -> str:
    text = "; ".join(entries)
    wrapped = textwrap.fill(
        text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=True, break_on_hyphens=False
    )
    return f"{title}:\n{wrapped}"
