"""Drawing crops, through real fonts and words."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.background import kinds_of
from tasks.cast import DESIGN_SIDE, TEXT_SIDE, Font, cast_script, coverage_of
from tasks.draw import draw_word, open_font
from tasks.errors import UserError
from tasks.fonts import make_fonts
from tasks.params import CropsSettings, FontsSettings, SplitCounts, TagSettings
from tasks.render import Shard, Source, make_crops, render_shard
from tasks.split import LISTED, text_side
from tasks.table import decode_png, key_of, read_images, read_rows, read_table
from tests.toyfonts import make_toy_fonts

TAG = TagSettings(validation_words=0.2, test_words=0.2, rejected=0.0)
TEXT = SplitCounts(train=24, pool=12, validation=9, test_seen=9, test_unseen=9)
ZXXX = SplitCounts(train=22, pool=33, validation=8, test_seen=11, test_unseen=10)
CROPS = CropsSettings(height=16, width=48, text=TEXT, background=ZXXX, workers=1)
LETTERS = {"Grek": "αβγδεζηθικλμνξοπρστυφχψω", "Latn": "abcdefghijklmnopqrstuvwxyz"}
WORDS = {
    script: ["".join(random.Random(f"{script}{n}").choices(letters, k=3 + n % 6)) for n in range(40)]
    for script, letters in LETTERS.items()
}


def write_words(path: Path, words: dict[str, list[str]], *, language: str = "en") -> Path:
    rows = [
        {"script": script, "text": text, "language": language}
        for script in sorted(words)
        for text in sorted(words[script])
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    make_toy_fonts(folder / "toyfonts", scripts=("Grek", "Latn"), designs_per_style=4)
    source = FontsSettings(source=str(folder / "toyfonts"), weights=[400])
    out = folder / "fonts.parquet"
    make_fonts(source, scripts=["Grek", "Latn"], out=out, designs=folder / "designs.json")
    return out


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_words(tmp_path_factory.mktemp("words") / "words.parquet", WORDS)


@pytest.fixture(scope="module")
def crops(fonts: Path, words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("crops") / "crops"
    make_crops(CROPS, tag=TAG, seed=0, fonts=fonts, words=words, out=out)
    return out


def test_counts_are_the_settings(crops: Path) -> None:
    rows = read_rows(crops)
    counts = rows.groupby(["script", "planned"]).size()
    for split, count in TEXT.model_dump().items():
        assert counts["Grek", split] == counts["Latn", split] == count
    for split, count in ZXXX.model_dump().items():
        assert counts["Zxxx", split] == count


def test_every_row_is_on_its_splits_side(crops: Path, fonts: Path) -> None:
    side_of = pd.read_parquet(fonts).astype({"side": str}).drop_duplicates("design").set_index("design")["side"]
    for row in read_rows(crops).itertuples():
        if row.script == "Zxxx":
            assert row.kind in kinds_of(row.planned) and row.design == f"Zxxx:{row.kind}"
            assert pd.isna(row.font_style) and pd.isna(row.text)
        else:
            assert row.kind == "word" and side_of[row.design] == DESIGN_SIDE[row.planned]
            assert text_side(row.text, script=row.script, settings=TAG, seed=0) == TEXT_SIDE[row.planned]


def test_styles_and_designs_take_turns(crops: Path) -> None:
    rows = read_rows(crops)
    train = rows[(rows["script"] == "Latn") & (rows["planned"] == "train")]
    assert np.ptp(train["font_style"].value_counts()) <= 1
    for _, style in train.groupby("font_style"):
        assert np.ptp(style["design"].value_counts()) <= 1


def test_crops_are_dark_ink_on_white_and_keyed_by_pixels(crops: Path) -> None:
    images, rows = read_images(crops)
    assert images.shape == (len(rows), 16, 48)
    assert rows["key"].tolist() == [key_of(crop) for crop in images] and rows["key"].is_unique
    text = images[(rows["script"] != "Zxxx").to_numpy()]
    assert (text.reshape(len(text), -1).min(1) < 128).all()
    assert (np.median(text.reshape(len(text), -1), axis=1) == 255).mean() > 0.9
    stored = read_table(crops, ["image"])["image"][0]["bytes"].as_py()
    assert decode_png(stored).shape == (16, 48)


@pytest.mark.parametrize("workers", [1, 2])
def test_bytes_do_not_depend_on_the_workers(
    workers: int, crops: Path, fonts: Path, words: Path, tmp_path: Path
) -> None:
    changed = CROPS.model_copy(update={"workers": workers})
    make_crops(changed, tag=TAG, seed=0, fonts=fonts, words=words, out=tmp_path / "crops")
    shards = [path.name for path in sorted(crops.iterdir())]
    assert [path.name for path in sorted((tmp_path / "crops").iterdir())] == shards
    assert all((tmp_path / "crops" / name).read_bytes() == (crops / name).read_bytes() for name in shards)


def test_a_crop_does_not_depend_on_its_shard(fonts: Path, words: Path) -> None:
    source = Source(fonts, words, 16, 48, TAG, 0)
    whole, _ = render_shard(Shard("Latn", (("train", 0, 12),)), source)
    part, _ = render_shard(Shard("Latn", (("train", 8, 12),)), source)
    assert whole["key"].to_pylist()[8:] == part["key"].to_pylist()


def test_the_seed_changes_the_crops(crops: Path, fonts: Path, words: Path, tmp_path: Path) -> None:
    make_crops(CROPS, tag=TAG, seed=1, fonts=fonts, words=words, out=tmp_path / "crops")
    assert not set(read_rows(crops)["key"]) & set(read_rows(tmp_path / "crops")["key"])


def test_what_cannot_be_drawn_is_counted(fonts: Path, tmp_path: Path) -> None:
    # The toy fonts have no ŵ; and the fonts below have no design for validation.
    words = write_words(tmp_path / "words.parquet", {"Latn": [*WORDS["Latn"], "ŵŵ"]})
    table = pq.read_table(fonts)
    table = table.filter(pa.array([side != "validation" for side in table["side"].to_pylist()]))
    pq.write_table(table, tmp_path / "fonts.parquet")
    out = tmp_path / "crops"
    summary = make_crops(CROPS, tag=TAG, seed=0, fonts=tmp_path / "fonts.parquet", words=words, out=out)
    on_validation = [
        word for word in WORDS["Latn"] if text_side(word, script="Latn", settings=TAG, seed=0) == "validation"
    ]
    assert summary["words_uncovered"] == 1 + len(on_validation)
    assert summary["missing"] == summary["missing.Latn.validation"] == TEXT.validation
    assert (
        summary["crops"] == len(read_rows(out)) == sum(TEXT.model_dump().values()) + sum(ZXXX.model_dump().values()) - 9
    )


def test_a_script_without_fonts_is_told(fonts: Path, tmp_path: Path) -> None:
    words = write_words(tmp_path / "words.parquet", {"Latn": ["alpha"], "Thai": ["ไทย"]})
    with pytest.raises(UserError, match="Thai"):
        make_crops(CROPS, tag=TAG, seed=0, fonts=fonts, words=words, out=tmp_path / "crops")
    assert not (tmp_path / "crops").exists()


def test_missing_and_broken_tables_are_told(words: Path, tmp_path: Path) -> None:
    broken = tmp_path / "fonts.parquet"
    for told in ("there is no table of fonts", "cannot be read"):
        with pytest.raises(UserError, match=told):
            make_crops(CROPS, tag=TAG, seed=0, fonts=broken, words=words, out=tmp_path / "crops")
        broken.write_text("no table")


def test_coverage_is_brute_force_coverage() -> None:
    coverages = ["abc", "", "abcdé", "z"]
    fonts = [
        Font(n, "f", "serif", "d", "train", 400, np.array(sorted(map(ord, c)), np.int32))
        for n, c in enumerate(coverages)
    ]
    words = ["a", "cab", "éa", "zz", "az"]
    assert coverage_of(words, fonts).tolist() == [[set(word) <= set(c) for word in words] for c in coverages]


def test_a_split_without_designs_has_no_cast() -> None:
    font = Font(0, "f", "serif", "d", "train", 400, np.arange(97, 123, dtype=np.int32))
    capitals = ["ECHO", "GOLF", "HOTEL", "KILO"]
    casts = cast_script("Latn", [*WORDS["Latn"], *capitals], [font], tag=TAG, seed=0)
    assert set(casts) == {"train", "pool", "test_seen"}
    sides = [text_side(word, script="Latn", settings=TAG, seed=0) for word in WORDS["Latn"]]
    shown = casts["train"].words | casts["test_seen"].words  # the font has no capitals
    assert shown == {word for word, side in zip(WORDS["Latn"], sides, strict=True) if side != "validation"}


def test_a_listed_word_that_no_font_has_is_told(fonts: Path, tmp_path: Path) -> None:
    words = {**WORDS, "Latn": [*WORDS["Latn"], "naïveЖ"]}
    told = write_words(tmp_path / "words.parquet", words, language=LISTED)
    with pytest.raises(UserError, match=r"naïveЖ.*Latn\.txt"):
        make_crops(CROPS, tag=TAG, seed=0, fonts=fonts, words=told, out=tmp_path / "crops")
    assert not (tmp_path / "crops").exists()
    counted = write_words(tmp_path / "words.parquet", words)
    summary = make_crops(CROPS, tag=TAG, seed=0, fonts=fonts, words=counted, out=tmp_path / "crops")
    assert summary["words_uncovered"] == 1


chance = st.floats(0, 1, exclude_max=True, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(chances=st.lists(chance, min_size=4, max_size=4), text=st.text("iWgÀ", min_size=1, max_size=20))
def test_words_are_scaled_and_never_cut_or_squeezed(fonts: Path, chances: list[float], text: str) -> None:
    font = open_font(pq.read_table(fonts)["font"][0].as_py(), 32)
    crop = draw_word(font, text, chances, height=32, width=128)
    assert crop is not None
    ink = crop < 255
    assert not ink[:, 0].any() and not ink[:, -1].any()
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert height <= 31
    left, top, right, bottom = font.getmask(text).getbbox()
    # Each side is rounded to a pixel, and the faintest edge may be lost.
    assert abs(height - width * (bottom - top) / (right - left)) <= 2 + 2 * (bottom - top) / (right - left)


def test_nothing_to_see_is_no_crop(fonts: Path) -> None:
    font = open_font(pq.read_table(fonts)["font"][0].as_py(), 32)
    assert draw_word(font, "\u00a0", [0.5] * 4, height=32, width=128) is None
