"""One shard: its rows, whoever draws it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.crop_table.png import decode_png, key_of
from tasks.crops.shaping import Shaper
from tasks.crops.shard import ATTEMPTS, Shard, draw_shard, shard_table
from tasks.words.confusables import is_ambiguous
from tests.tasks.crops.toysource import MIX, PLAIN, ROWS, source_of

LATIN = Shard(3, "Latn", (("train", 0, 60), ("validation", 0, 9)))


@pytest.fixture(scope="module")
def rows(fonts: Path, words: Path) -> pd.DataFrame:
    table, counts = shard_table(LATIN, source_of(fonts, words), ROWS)
    assert counts["crops.train"] == 60 and counts["crops.validation"] == 9
    return table.to_pandas().astype({"script": str, "font_style": str, "design": str, "planned": str})


def test_rows_say_what_was_drawn(rows: pd.DataFrame) -> None:
    assert set(rows["script"]) == {"Latn"} and set(rows["origin"]) == {"rendered"} and set(rows["kind"]) == {"word"}
    for row in rows.itertuples():
        crop = decode_png(row.image["bytes"])
        assert crop.shape == (16, 48) and key_of(crop) == row.key and row.image["path"] is None
        assert row.ambiguous == is_ambiguous(row.text, "Latn", among={"Grek", "Latn"})
    assert rows["key"].is_unique and rows["ambiguous"].any() and not rows["ambiguous"].all()


def test_pairs_are_two_rows_of_one_text_and_two_styles(rows: pd.DataFrame) -> None:
    pairs = rows.dropna(subset="pair").groupby("pair")
    assert 10 <= len(pairs) <= 28  # half of 34, and four standard deviations
    for name, pair in pairs:
        assert len(name) == 16 and int(name, 16) >= 0
        assert len(pair) == 2 and pair["text"].nunique() == 1 and pair["planned"].nunique() == 1
        assert pair["font_style"].nunique() == 2 and pair["design"].nunique() == 2
        assert np.diff(pair.index) == [1]
    styles = rows[rows["planned"] == "train"]["font_style"].value_counts()
    assert np.ptp(styles) <= 1  # pairs leave the turns as they are


def test_no_pairs_where_none_are_wanted(fonts: Path, words: Path) -> None:
    table, _ = shard_table(LATIN, source_of(fonts, words, pairs=0.0), ROWS)
    assert table.column("pair").null_count == table.num_rows
    table, _ = shard_table(LATIN, source_of(fonts, words, pairs=1.0), ROWS)
    assert table.column("pair").null_count <= 6  # the odd one, and words that two fonts draw alike


def test_a_crop_does_not_depend_on_its_shard(fonts: Path, words: Path) -> None:
    source = source_of(fonts, words)
    whole, _ = shard_table(Shard(0, "Latn", (("train", 0, 12),)), source, ROWS)
    part, _ = shard_table(Shard(7, "Latn", (("train", 8, 12),)), source, ROWS)
    assert whole.slice(8).to_pylist() == part.to_pylist()


def test_a_shard_is_one_file_with_the_same_bytes(fonts: Path, words: Path, tmp_path: Path) -> None:
    source = source_of(fonts, words)
    drawn = [draw_shard(LATIN, source, ROWS, tmp_path / folder) for folder in ("one", "two")]
    assert drawn[0].path.read_bytes() == drawn[1].path.read_bytes() and drawn[0].counts == drawn[1].counts
    assert [path.name for path in (tmp_path / "one").iterdir()] == [drawn[0].path.name]
    with pa.OSFile(str(drawn[0].path)) as file:
        assert pa.ipc.open_file(file).read_all().equals(shard_table(LATIN, source, ROWS)[0])


def test_what_a_font_cannot_shape_is_drawn_anew(fonts: Path, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_a(self: Shaper, text: str, *, vertical: bool = False) -> bool:
        return "a" not in text.lower()

    monkeypatch.setattr(Shaper, "can_draw", no_a)
    table, counts = shard_table(LATIN, source_of(fonts, words), ROWS)
    assert not any("a" in text.lower() for text in table.column("text").to_pylist())
    assert table.num_rows == 69 and counts["unshaped"] == counts["redrawn"] > 0
    monkeypatch.setattr(Shaper, "can_draw", lambda self, text, vertical=False: False)
    table, counts = shard_table(Shard(0, "Latn", (("train", 0, 4),)), source_of(fonts, words, pairs=0.0), ROWS)
    assert table.num_rows == 0 and counts["missing"] == counts["missing.Latn.train"] == 4
    assert counts["unshaped"] == counts["redrawn"] == 4 * ATTEMPTS


def test_a_crop_of_a_pair_that_fails_is_drawn_alone(fonts: Path, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(fonts, words, pairs=1.0, mix=PLAIN)
    monkeypatch.setattr("tasks.crops.sampling_plan.SamplingPlan.sample_pair", lambda *arguments: None)
    table, counts = shard_table(LATIN, source, ROWS)
    assert table.num_rows == 69 and table.column("pair").null_count == 69 and "missing" not in counts


def test_backgrounds_have_kinds_and_no_text(fonts: Path, words: Path) -> None:
    shard = Shard(0, "Zxxx", (("train", 0, 40), ("test_unseen", 0, 10)))
    table, counts = shard_table(shard, source_of(fonts, words, mix=MIX), ROWS)
    rows = table.to_pandas()
    assert len(rows) == 50 and counts["crops.train"] == 40
    assert (rows["design"].astype(str) == "Zxxx:" + rows["kind"]).all()
    assert rows[["font_style", "font_family", "text", "pair", "ambiguous"]].isna().all(axis=None)
    assert not set(rows["kind"][:40]) & set(rows["kind"][40:])
