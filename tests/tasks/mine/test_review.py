from pathlib import Path

import pandas as pd
import pytest

from tasks.mine.label_errors import write_suspects
from tasks.mine.review import (
    add_decisions,
    apply_decisions,
    check_labels,
    decisions_path,
    pending,
    read_decisions,
    resolve,
    suspects_of,
)
from unfont.errors import UserError

A, B, C, D = ("a" * 64, "b" * 64, "ab" * 32, "d" * 64)


def decisions(**labels: str) -> pd.DataFrame:
    keys = {"a": A, "b": B, "c": C, "d": D}
    return pd.DataFrame({"key": [keys[name] for name in labels], "label": list(labels.values())}, dtype="str")


def suspects(*rows: tuple[str, float]) -> pd.DataFrame:
    """Suspects that are given Latn and suggested Cyrl, by key and p(suggested)."""
    keys, probabilities = [row[0] for row in rows], [row[1] for row in rows]
    return pd.DataFrame(
        {
            "key": keys,
            "given": "Latn",
            "suggested": "Cyrl",
            "p_given": [1 - p for p in probabilities],
            "p_suggested": probabilities,
        }
    )


def as_dict(frame: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frame["key"], frame["label"], strict=True))


def test_decisions_are_kept_by_problem():
    assert decisions_path("faces") == Path("data/reviews/faces.csv")


def test_no_file_is_no_decisions(tmp_path):
    found = read_decisions(tmp_path / "none.csv")
    assert found.empty and list(found.columns) == ["key", "label"]


def test_the_last_row_of_a_key_wins(tmp_path):
    (tmp_path / "d.csv").write_text(f"key,label\n{A},Latn\n{B},Grek\n{A},Cyrl\n", encoding="utf-8")
    assert as_dict(read_decisions(tmp_path / "d.csv")) == {A: "Cyrl", B: "Grek"}


def test_what_spreadsheets_write_is_read(tmp_path):
    (tmp_path / "d.csv").write_bytes(f'\ufefflabel,key\r\n" Latn ",{A}\r\n\r\n,{B}\r\n"e\u0301",{D}\r\n'.encode())
    assert as_dict(read_decisions(tmp_path / "d.csv")) == {A: "Latn", B: "", D: "\u00e9"}


def test_adding_loses_nothing_and_the_file_is_sorted(tmp_path):
    path = tmp_path / "reviews" / "d.csv"
    odd = 'a "quoted", <b>label</b>\nof two lines'
    add_decisions(path, decisions(b="Latn", a=odd))
    add_decisions(path, decisions(d="", b="Cyrl"))
    assert as_dict(read_decisions(path)) == {A: odd, B: "Cyrl", D: ""}
    assert read_decisions(path)["key"].tolist() == [A, B, D]
    before = path.read_bytes()
    add_decisions(path, decisions())
    assert path.read_bytes() == before


def test_labels_that_pandas_takes_for_nothing_stay_labels(tmp_path):
    add_decisions(tmp_path / "d.csv", decisions(a="NA", b="nan", c="007"))
    assert as_dict(read_decisions(tmp_path / "d.csv")) == {A: "NA", B: "nan", C: "007"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1"),
        ("clef,label\n", "line 1"),
        ("key;label\n", "line 1"),
        ("key,label,note\n", "line 1"),
        (f"key,label\n{A},Latn\nabc,Latn\n", "line 3"),
        (f"key,label\n{A.upper()},Latn\n", "line 2"),
        (f"key,label\n{A}\n", "line 2"),
        (f"key,label\n{A},a, b\n", "line 2"),
        (f'key,label\n{A},"Latn"x\n', "line 2"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(tmp_path, text, where):
    path = tmp_path / "d.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=f"d.csv, {where}"):
        read_decisions(path)
    with pytest.raises(UserError):
        add_decisions(path, decisions(b="Latn"))
    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "d.csv").write_bytes(b"key,label\n\xff\xfe\n")
    for path in (tmp_path / "d.csv", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_decisions(path)


def test_decided_labels_take_the_place_of_the_given_ones_and_left_out_rows_go():
    rows = pd.DataFrame({"key": [D, C, B, A], "script": ["Latn", None, "Grek", "Latn"], "p": [1, 2, 3, 4]})
    before = rows.copy()
    changed = apply_decisions(rows, decisions(a="Cyrl", b="", c="Hebr"), column="script")
    assert changed["key"].tolist() == [D, C, A]
    assert changed["script"].tolist() == ["Latn", "Hebr", "Cyrl"]
    assert changed["p"].tolist() == [1, 2, 4] and changed.index.tolist() == [0, 1, 3]
    pd.testing.assert_frame_equal(rows, before)


def test_no_decisions_and_no_rows_change_nothing():
    rows = pd.DataFrame({"key": [A, B], "script": ["Latn", None]}, dtype="str")
    pd.testing.assert_frame_equal(apply_decisions(rows, decisions(), column="script"), rows)
    pd.testing.assert_frame_equal(apply_decisions(rows, decisions(d="Latn"), column="script"), rows)
    assert apply_decisions(rows.head(0), decisions(a="Latn"), column="script").empty


def test_a_label_that_the_problem_lacks_is_told():
    check_labels(decisions(a="Latn", b=""), ["Cyrl", "Latn"], where="here")
    with pytest.raises(UserError, match=r"'latin', which the problem does not have \(here\): use one of: Cyrl, Latn"):
        check_labels(decisions(a="Latn", b="latin"), ["Latn", "Cyrl"], where="here")


def test_what_is_open_is_what_any_round_suspects_and_nobody_decided(tmp_path):
    for number, found in {
        "2": suspects((B, 0.9), (A, 0.7)),
        "10": suspects((B, 0.6)),
        "1": suspects((C, 0.8), (D, 0.95), (A, 0.99)),
    }.items():
        (tmp_path / "rounds" / number).mkdir(parents=True)
        write_suspects(tmp_path / "rounds" / number / "review.parquet", found)
    found = suspects_of(tmp_path)
    assert found[["key", "round"]].to_numpy().tolist() == [[D, 1], [C, 1], [A, 2], [B, 10]]
    left = pending(tmp_path, decisions(d="Latn", c=""))
    assert left["key"].tolist() == [A, B]
    assert left["p_suggested"].tolist() == pytest.approx([0.7, 0.6])


def test_before_any_round_nothing_is_open(tmp_path):
    assert pending(tmp_path, decisions()).empty
    assert list(suspects_of(tmp_path).columns) == ["key", "given", "suggested", "p_given", "p_suggested", "round"]


def test_a_key_is_named_by_its_first_digits():
    assert resolve("aaaaaa", [A, B, C]) == A
    assert resolve(" ABABAB ", [A, B, C]) == C
    assert resolve(A, [A, A]) == A


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("aaaaa", "6 to 64"),
        ("", "6 to 64"),
        ("zzzzzz", "6 to 64"),
        ("cccccc", "no suspected crop"),
        (A + "a", "6 to 64"),
    ],
)
def test_a_prefix_that_names_no_crop_is_told(prefix, said):
    with pytest.raises(UserError, match=said):
        resolve(prefix, [A, B])


def test_a_prefix_of_two_crops_needs_more_digits():
    with pytest.raises(UserError, match="more digits"):
        resolve("aaaaaa", [A, "a" * 63 + "b"])
