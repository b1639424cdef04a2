from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.browse.fonts import WIDTH, format_fonts
from tasks.fonts.build import SCHEMA, write_no_fonts
from unfont.errors import UserError

ROWS = [
    # family, font_style, script, design, side
    ("arm", "serif", "Latn", "arm", "train"),
    ("arm", "serif", "Grek", "arm", "train"),
    ("bow", "display", "Latn", "bow", "test_unseen"),
    ("bowl", "display", "Latn", "bow", "test_unseen"),
    ("cup", "serif", "Latn", "cup", "validation"),
    ("pictures", "icons", "Zsym", "pictures", "train"),
]


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    names = ("family", "font_style", "script", "design", "side")
    filled = [dict.fromkeys(SCHEMA.names) | dict(zip(names, row, strict=True)) for row in rows for _ in range(2)]
    pq.write_table(pa.Table.from_pylist(filled, schema=SCHEMA), path)
    return path


def test_designs_are_counted_by_script_and_style_and_holes_show(tmp_path: Path) -> None:
    lines = format_fonts(write(tmp_path / "t", ROWS)).splitlines()
    header = ["script", "serif", "display", "designs", "train", "validation", "test_unseen", "families"]
    assert lines[0].split() == header
    assert lines[1].split() == ["Grek", "1", "-", "1", "1", "-", "-", "1"]
    assert lines[2].split() == ["Latn", "2", "1", "3", "1", "1", "1", "4"]
    assert lines[3].split() == ["all", "2", "1", "3", "1", "1", "1", "4"]
    assert len(set(map(len, lines[:4]))) == 1


def test_thin_targets_held_out_designs_and_icons_are_named(tmp_path: Path) -> None:
    text = format_fonts(write(tmp_path / "t", ROWS))
    assert "fewer than 3 designs, so not in every split: Grek 1" in text
    assert "held out for validation (1 designs):\n  cup" in text
    assert "held out for test_unseen (1 designs):\n  bow: bow, bowl" in text
    assert "pictures (train)" in text
    assert "Zsym" not in text


def test_no_line_is_too_long(tmp_path: Path) -> None:
    rows = [(f"family-number-{n}", "serif", "Latn", f"design-{n % 40}", "test_unseen") for n in range(200)]
    text = format_fonts(write(tmp_path / "t", [*rows, *((f"l{n}", "x" * 20, "Latn", "a", "train") for n in range(3))]))
    assert max(map(len, text.splitlines())) <= WIDTH


def test_nothing_rendered_is_said_and_no_table_is_an_error(tmp_path: Path) -> None:
    write_no_fonts(tmp_path / "t")
    assert format_fonts(tmp_path / "t") == "no fonts: this problem renders no crops"
    with pytest.raises(UserError, match="no table of fonts"):
        format_fonts(tmp_path / "gone")
    (tmp_path / "bad").write_bytes(b"no parquet")
    with pytest.raises(UserError, match="no table of fonts"):
        format_fonts(tmp_path / "bad")
