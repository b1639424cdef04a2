"""Letters and icons as ink: of the split's side, of many scripts, and no letters among the icons."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.crops.backgrounds.glyph_ink import SIZE, Glyphs, read_font_bytes
from tests.toyfonts import OWN, make_toy_fonts, pen_of, write_font
from unfont.errors import UserError

STROKES = OWN["Cyrl"]


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of fonts: three scripts on three sides, a symbol font on all sides but validation."""
    folder = make_toy_fonts(tmp_path_factory.mktemp("fonts"), designs_per_style=1)
    pictures = {chr(0x1F400 + number): STROKES[: 1 + number % 5] for number in range(24)}
    symbols = write_font(folder / "symbols.ttf", pen_of("serif", 3, 0), pictures | {"A": STROKES})
    rows: list[dict[str, Any]] = []
    for style, side in (("sans-serif", "train"), ("serif", "validation"), ("monospace", "test_unseen")):
        data = (folder / f"toy-{style}-1.ttf").read_bytes()
        for script, letters in (("Latn", "abcde"), ("Grek", "αβγδε"), ("Hebr", "אבגדה")):
            rows.append({"script": script, "side": side, "coverage": sorted(map(ord, letters)), "font": data})
        if side != "validation":
            points = sorted(map(ord, [*pictures, "A"]))
            rows.append({"script": "Zsym", "side": side, "coverage": points, "font": symbols.read_bytes()})
    label = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema({"script": label, "side": label, "coverage": pa.list_(pa.int32()), "font": pa.binary()})
    path = folder / "fonts.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=2)
    return path


def drawn(glyphs: Glyphs) -> Iterator[bytes]:
    random = np.random.default_rng(3)
    yield from (glyphs.letter(random).tobytes() for _ in range(20))


def test_a_side_has_its_own_fonts_and_several_scripts(fonts: Path) -> None:
    train, validation, unseen = (
        Glyphs.of_table(fonts, split, seed=0) for split in ("pool", "validation", "test_unseen")
    )
    assert [len(glyphs.letters) for glyphs in (train, validation, unseen)] == [3, 3, 3]
    assert [len(glyphs.icons) for glyphs in (train, validation, unseen)] == [1, 0, 1]
    assert {unicodedata.name(chr(face.points[0])).split()[0] for face in train.letters} == {"LATIN", "GREEK", "HEBREW"}
    assert Glyphs.of_table(fonts, "train", seed=0) is train
    assert len(Glyphs.of_table(fonts, "train", seed=0, most=2).letters) == 2


def test_ink_is_cut_to_its_box(fonts: Path) -> None:
    glyphs = Glyphs.of_table(fonts, "train", seed=0)
    random = np.random.default_rng(0)
    for ink in (glyphs.letter(random), glyphs.line(random, 5), glyphs.icon(random)):
        assert ink.dtype == np.uint8 and ink.max() > 200
        assert ink[0].any() and ink[-1].any() and ink[:, 0].any() and ink[:, -1].any()
        assert len(ink) <= 2 * SIZE


def test_the_seed_decides_what_is_drawn(fonts: Path) -> None:
    glyphs = Glyphs.of_table(fonts, "train", seed=0)
    assert list(drawn(glyphs)) == list(drawn(glyphs))


def test_only_the_row_groups_asked_for_are_read(fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    real = pq.ParquetFile.read_row_group

    def watched(self: pq.ParquetFile, group: int, **options: Any) -> pa.Table:
        read.append(group)
        return real(self, group, **options)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", watched)
    whole = pq.read_table(fonts, columns=["font"]).column("font")
    read.clear()
    assert read_font_bytes(fonts, [1, 5]) == {1: whole[1].as_py(), 5: whole[5].as_py()}
    assert read == [0, 2]


def test_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unfont fonts"):
        Glyphs.of_table(tmp_path / "fonts.parquet", "train", seed=0)


def test_a_table_with_no_fonts_has_no_glyphs(fonts: Path, tmp_path: Path) -> None:
    pq.write_table(pq.read_schema(fonts).empty_table(), tmp_path / "fonts.parquet")
    glyphs = Glyphs.of_table(tmp_path / "fonts.parquet", "train", seed=0)
    assert not glyphs.letters and not glyphs.icons
