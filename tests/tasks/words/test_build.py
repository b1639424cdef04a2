"""Words of CLDR and of the user's lists."""

import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tasks.common.drawing_settings import WordsSettings
from tasks.crop_table.other_scripts import OTHER_SCRIPTS, script_of_text
from tasks.words.build import CHARACTERS, LETTERS, UNITS, letters_of, make_words, units_of, write_no_words
from tasks.words.in_script import in_script
from unfont.errors import UserError


def settings(**changes: Any) -> WordsSettings:
    return WordsSettings(
        **{"scripts": ["Geor", "Grek", "Jpan"], "lists": ".", "length": 20, "drawn": 0, "common": 0, "others": 0}
        | changes
    )


@pytest.fixture(autouse=True)
def no_lists(here: Path) -> None:
    """The working folder is empty: there are no lists but those that a test makes."""


def test_table_is_sorted_unique_and_in_its_scripts(tmp_path: Path) -> None:
    summary = make_words(settings(), out=tmp_path / "words.parquet")
    table = pd.read_parquet(tmp_path / "words.parquet")
    pairs = list(zip(table["script"].astype(str), table["text"], strict=True))
    assert pairs == sorted(set(pairs))
    assert all(in_script(text, script) for script, text in pairs)
    words = table[table["kind"] == "word"]
    assert all(2 <= len(text) <= 20 and text == unicodedata.normalize("NFC", text) for text in words["text"])
    counts = words["script"].astype(str).value_counts()
    assert counts.min() >= 800
    letters = table[table["kind"] == "letter"]
    assert summary == {
        "words": len(words),
        "drawn": 0,
        "letters": len(letters),
        "ambiguous": table["ambiguous"].sum(),
        "others": 0,
        "scripts": 3,
        "fewest_words": counts.min(),
    }
    assert {"Ελλάδα", "Γερμανία"} <= set(words["text"])
    assert not {"ΕΛΛΑΔΑ", "ελλάδα"} & set(words["text"])  # as they are found: capitals are the mix's to give
    georgian = table[table["script"] == "Geor"]
    assert set(georgian[georgian["kind"] == "word"]["language"]) == {"ka"}
    assert not any(0x1C90 <= ord(char) <= 0x1CBF for word in georgian["text"] for char in word)  # no capitals


def test_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_words(settings(scripts=["Geor", "Jpan"], drawn=100), out=tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_drawn_words_are_told_from_found_ones(tmp_path: Path) -> None:
    (tmp_path / "Geor.txt").write_text("კარი\n", encoding="utf-8")
    without = make_words(settings(lists=str(tmp_path)), out=tmp_path / "without.parquet")
    summary = make_words(settings(lists=str(tmp_path), drawn=300), out=tmp_path / "words.parquet")
    assert summary["drawn"] == 3 * 300
    assert {name: summary[name] for name in ("words", "letters", "fewest_words")} == {
        name: without[name] for name in ("words", "letters", "fewest_words")
    }
    table, found = pd.read_parquet(tmp_path / "words.parquet"), pd.read_parquet(tmp_path / "without.parquet")
    drawn = table[table["language"] == "model"]
    assert set(drawn["kind"]) == {"word"}
    assert not set(zip(drawn["script"], drawn["text"], strict=True)) & set(
        zip(found["script"], found["text"], strict=True)
    )
    assert table.drop(drawn.index).reset_index(drop=True).equals(found)
    assert not table.duplicated(["script", "text"]).any()
    assert all(in_script(row.text, row.script) and len(row.text) <= 20 for row in drawn.itertuples())


def test_letters_stand_alone_and_are_met_often() -> None:
    words = dict.fromkeys(["コーヒー", "東京の", "の"], "ja")
    assert set(letters_of(words, "Jpan")) == {"コ", "ヒ", "の"}  # no sign of length; characters alone are Chinese
    assert letters_of({"Ab": "en", "bà": "fr"}, "Latn") == {"b": "en", "a": "en", "à": "fr"}
    assert letters_of({"कि": "hi"}, "Deva") == {"क": "hi"}
    common = dict.fromkeys([f"ab{'c' * n}" for n in range(1, 2001)], "en")
    assert set(letters_of({**common, "abǃ": "naq"}, "Latn")) == {"a", "b", "c"}
    many = {chr(0xAC00 + 2 * n) + chr(0xAC01 + 2 * n): "ko" for n in range(LETTERS)}
    assert len(letters_of(many, "Kore")) == LETTERS


def test_letters_of_an_alphabet_come_beside_those_of_the_words() -> None:
    assert set("ἂῶᾷϝ") <= set(units_of("Grek", besides="αβγ")) and "α" not in units_of("Grek", besides="αβγ")
    deva = units_of("Deva", besides="")
    letters, marked, conjuncts = ([unit for unit in deva if len(unit.replace("़", "")) == size] for size in (1, 2, 3))
    assert {"क", "ऋ", "ड़"} <= set(letters) and len(deva) == len(set(deva)) == len(letters + marked + conjuncts)
    assert (len(marked), len(conjuncts)) == UNITS[1:] and all("्" in unit for unit in conjuncts)
    assert {unit[-1] for unit in marked} >= set("ािीुूृेैोौंँः")  # every mark, few as they are
    assert units_of("Runr", besides="") == []


def test_of_thousands_of_characters_some_come_alone() -> None:
    kana = units_of("Jpan", besides="")
    assert {"あ", "ア", "っ"} <= set(kana) and all(len(unit) == 1 for unit in kana)
    assert not [unit for unit in kana if in_script(unit, "Hani")]  # a character alone is Chinese
    for script in ("Hani", "Kore"):
        assert len(set(units_of(script, besides=""))) == CHARACTERS


def test_a_text_is_a_word_or_a_letter_and_letters_tell_their_homoglyphs(tmp_path: Path) -> None:
    make_words(settings(scripts=["Grek", "Latn", "Thai"], drawn=2000), out=tmp_path / "words.parquet")
    table = pd.read_parquet(tmp_path / "words.parquet")
    assert not table.duplicated(["script", "text"]).any()
    letters = table[table["kind"] == "letter"].set_index(["script", "text"])
    told = {letter: bool(letters.loc[("Grek", letter), "ambiguous"]) for letter in "οὀωᾧ"}
    assert told == {"ο": True, "ὀ": True, "ω": False, "ᾧ": False}
    assert set(letters.loc["Thai"]["language"]) == {"th", "und"}


def test_a_text_is_ambiguous_among_the_scripts_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "Telu.txt").write_text("జల\nవల\n", encoding="utf-8")
    told = {}
    for other in ("Geor", "Knda"):
        make_words(settings(scripts=["Telu", other], lists=str(tmp_path)), out=tmp_path / "words.parquet")
        table = pd.read_parquet(tmp_path / "words.parquet").set_index("text")
        told[other] = (bool(table.loc["జల", "ambiguous"]), bool(table.loc["వల", "ambiguous"]))
    assert told == {"Geor": (False, False), "Knda": (True, False)}


def test_nothing_drawn_needs_no_words(tmp_path: Path) -> None:
    assert write_no_words(tmp_path / "words.parquet") == {"words": 0.0}
    table = pd.read_parquet(tmp_path / "words.parquet")
    assert table.empty and list(table) == ["script", "text", "language", "kind", "ambiguous"]


def test_the_users_words_come_in(tmp_path: Path) -> None:
    words = tmp_path / "Runr.txt"
    words.write_text("\ufeffᚠᚢᚦ\n\n ᚱᚢᚾ \n", encoding="utf-8")
    make_words(settings(scripts=["Geor", "Runr"], lists=str(tmp_path)), out=tmp_path / "words.parquet")
    table = pd.read_parquet(tmp_path / "words.parquet")
    runes = table[table["script"] == "Runr"]
    assert runes[runes["kind"] == "word"]["text"].tolist() == ["ᚠᚢᚦ", "ᚱᚢᚾ"]
    assert set(runes[runes["kind"] == "letter"]["text"]) == set("ᚠᚢᚦᚱᚾ")


def test_a_script_without_words_is_told() -> None:
    with pytest.raises(UserError, match="Runr"):
        make_words(settings(scripts=["Geor", "Runr"]), out=Path("never.parquet"))


def test_scripts_that_are_not_learned_have_as_many_texts_each(tmp_path: Path) -> None:
    summary = make_words(settings(scripts=["Cher", "Geor"], others=20), out=tmp_path / "words.parquet")
    table = pd.read_parquet(tmp_path / "words.parquet")
    others = table[table["script"] == "Zzzz"]
    scripts = others["text"].map(script_of_text)
    assert set(scripts) == set(OTHER_SCRIPTS) - {"Cher"}  # that one is learned here
    assert set(scripts.value_counts()) == {20} and summary["others"] == len(others)
    assert {"syr", "und-Goth"} <= set(others["language"]) and set(others["kind"]) == {"word"}
    assert summary["scripts"] == 2
