"""The words and fonts that every renderer renders."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.render_jobs import JOBS, write_jobs
from tasks.common.params import Params, read_params
from tasks.crop_table.text_side import text_side
from tests.conftest import ROOT

LATIN = ["Haus", "Wald", "Berg", "Fluss", "Wiese", "Himmel", "Nacht", "Morgen", "a", "naïve"]
GREEK = ["νερό", "φως", "γη", "ουρανός", "δρόμος", "πόλη"]


@pytest.fixture
def params() -> Params:
    return read_params(ROOT / "params.yaml")


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    rows = [
        {"family": family, "script": script, "side": side, "coverage": sorted(map(ord, set(letters))), "font": font}
        for family, script, side, letters, font in [
            ("One", "Latn", "train", "".join(LATIN[:-1]), b"one"),
            ("One", "Latn", "train", "".join(LATIN[:-1]), b"one, bold"),
            ("Two", "Latn", "validation", "".join(LATIN), b"two"),
            ("Three", "Grek", "train", "".join(GREEK), b"three"),
        ]
    ]
    texts = [("Latn", text) for text in LATIN] + [("Grek", text) for text in GREEK]
    words = [{"script": script, "text": text, "kind": "word" if text[1:] else "letter"} for script, text in texts]
    found = {"fonts": tmp_path / "fonts.parquet", "words": tmp_path / "words.parquet"}
    pq.write_table(pa.Table.from_pylist(rows), found["fonts"])
    pq.write_table(pa.Table.from_pylist(words), found["words"])
    return found


def test_jobs_are_words_and_fonts_of_the_training_side(tmp_path: Path, params: Params, tables: dict[str, Path]) -> None:
    given = json.loads(write_jobs(tmp_path / "jobs", params, **tables, scripts=["Grek", "Latn"]).read_text("utf-8"))
    assert given["height"] == params.crops.height
    assert {Path(font).read_bytes() for _, font in given["jobs"]} == {b"one", b"three"}
    latin = {text for text, font in given["jobs"] if Path(font).read_bytes() == b"one"}
    # "a" is a letter, and the font has no "ï".
    sides = {text: text_side(text, script="Latn", settings=params.tag, seed=params.seed) for text in LATIN[:-2]}
    assert latin == {text for text, side in sides.items() if side == "train"}


def test_scripts_have_equal_fractions_and_the_order_is_fixed(
    tmp_path: Path, params: Params, tables: dict[str, Path]
) -> None:
    first, again = (
        json.loads(write_jobs(tmp_path / name, params, **tables, scripts=["Grek", "Latn"]).read_text("utf-8"))["jobs"]
        for name in ("first", "again")
    )
    assert sum(text in GREEK for text, _ in first) == JOBS // 2
    assert [text for text, _ in first] == [text for text, _ in again]


def test_the_tables_beside_the_jobs_hold_what_was_chosen(
    tmp_path: Path, params: Params, tables: dict[str, Path]
) -> None:
    write_jobs(tmp_path / "jobs", params, **tables, scripts=["Latn"])
    fonts = pq.read_table(tmp_path / "jobs" / "fonts.parquet")
    assert fonts.column("font").to_pylist() == [b"one"]
    words = pq.read_table(tmp_path / "jobs" / "words.parquet").to_pylist()
    assert {word["script"] for word in words} == {"Latn"}


def test_a_script_that_no_font_covers_ends_with_its_name(
    tmp_path: Path, params: Params, tables: dict[str, Path]
) -> None:
    with pytest.raises(SystemExit, match="Hebr"):
        write_jobs(tmp_path / "jobs", params, **tables, scripts=["Latn", "Hebr"])
