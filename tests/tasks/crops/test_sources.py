"""The tables that crops are drawn from."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.crop_table.italics import italic_design
from tasks.crops.sources import OPEN, ScriptSource, read_columns, read_fonts, read_texts, script_source, scripts_of
from tests.tasks.crops.toysource import LETTERS, WORDS, source_of, write_words
from unfont.errors import UserError


def test_fonts_of_a_script_keep_their_places(fonts: Path) -> None:
    table = pd.read_parquet(fonts)
    for script in ("Grek", "Latn"):
        read = read_fonts(fonts, script)[script]
        assert [font.row for font in read] == table.index[table["script"] == script].tolist()
        for font in read:
            row = table.loc[font.row]
            assert (font.family, font.style, font.design, font.side) == (
                row["family"], row["font_style"], row["design"], row["side"]
            )  # fmt: skip
            assert font.points == set(row["coverage"])
    assert read_fonts(fonts, "Thai") == {}
    assert {script: len(found) for script, found in read_fonts(fonts).items()} == {"Grek": 12, "Latn": 12, "Zyyy": 12}


def test_texts_of_no_script_are_set_in_every_family_that_has_digits(tmp_path: Path, fonts: Path) -> None:
    table = pq.read_table(fonts)
    rows = table.to_pylist()
    without = {"family 1", "family 2"}
    rows = [
        row | {"coverage": [65, 66] if row["family"] in without else row["coverage"]}
        for row in (old | {"family": f"family {number // 2}"} for number, old in enumerate(rows))
    ]
    rows.append(rows[-1] | {"script": "Zsym", "family": "icons"})
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), tmp_path / "fonts.parquet")
    found = read_fonts(tmp_path / "fonts.parquet")["Zyyy"]
    kept = [(row["family"], row["weight"]) for row in rows if row["family"] not in {*without, "icons"}]
    assert [(font.family, font.weight) for font in found] == list(dict.fromkeys(kept))
    assert all(rows[font.row]["family"] == font.family for font in found)


def test_texts_of_no_script_are_set_in_italics_beside_their_uprights(tmp_path: Path, fonts: Path) -> None:
    table = pq.read_table(fonts)
    upright = table.to_pylist()[0]
    italic = upright | {"design": italic_design(upright["design"])}
    pq.write_table(pa.Table.from_pylist([italic, upright, italic], schema=table.schema), tmp_path / "fonts.parquet")
    assert [font.row for font in read_fonts(tmp_path / "fonts.parquet")["Zyyy"]] == [0, 1]


def test_words_and_letters_are_told_apart(words: Path) -> None:
    texts = read_texts(words)
    assert set(texts) == scripts_of(words) == {"Grek", "Latn"}
    assert texts["Latn"].words == tuple(WORDS["Latn"]) and texts["Latn"].letters == tuple(sorted(LETTERS["Latn"]))
    assert read_texts(words, "Grek") == {"Grek": texts["Grek"]}


def test_performers_are_kept_until_a_table_changes(fonts: Path, tmp_path: Path) -> None:
    words = write_words(tmp_path / "words.parquet")
    first = script_source(source_of(fonts, words), "Latn")
    assert script_source(source_of(fonts, words), "Latn") is first
    write_words(words, {"Latn": ["other", "words", "than", "before"]})
    second = script_source(source_of(fonts, words), "Latn")
    assert second is not first and set().union(*(plan.words for plan in second.plans.values())) <= {
        "other", "words", "than", "before"
    }  # fmt: skip


def test_open_fonts_are_bounded(fonts: Path, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert OPEN > 2
    monkeypatch.setattr("tasks.crops.sources.OPEN", 2)
    open_ones = ScriptSource(source_of(fonts, words), "Latn")
    found = read_fonts(fonts, "Latn")["Latn"]
    for font in found:
        assert open_ones.open(font)[0].getmask("a").getbbox()
        assert len(open_ones._open) <= 2
    assert open_ones.open(found[-1]) is open_ones.open(found[-1])


def test_missing_and_broken_tables_are_told(tmp_path: Path, words: Path) -> None:
    path = tmp_path / "fonts.parquet"
    with pytest.raises(UserError, match=r"there is no table of fonts.*unfont fonts"):
        read_columns(path, ["script"])
    path.write_text("no table")
    with pytest.raises(UserError, match="cannot be read"):
        read_columns(path, ["script"])
    pq.write_table(pq.read_table(words).drop_columns("kind"), path)  # as an older version wrote it
    with pytest.raises(UserError, match="cannot be read"):
        read_columns(path, ["script", "kind"])
