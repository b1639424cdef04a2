import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tasks.predict.formats import FIRST, SUFFIXES, format_of, text_of, write_parquet
from unfont.errors import UserError
from unfont.rank import answer

RECORDS = [
    {"file": 'a, "b".png', "script": "Latn", "p": 0.9, "top": [{"script": "Latn", "p": 0.9}], "windows": 2, "agree": 1},
    {
        "file": "ж\n.png",
        "script": None,
        "p": 0.5,
        "top": [{"script": "Cyrl", "p": 0.5}, {"script": "Grek", "p": 0.4}],
        "windows": 1,
        "agree": 1,
        "turned": 180,
    },
    {"file": "bad.png", "script": None, "p": None, "top": [], "windows": 0, "agree": 0, "error": "no picture"},
    {
        "file": "c.png",
        "script": "mixed",
        "p": 0.98,
        "top": [{"script": "Latn", "p": 0.6}],
        "windows": 10,
        "agree": 9,
        "shares": {"Latn": 0.6, "Grek": 0.4},
    },
]


def text(records, output_format, target="script", top=2):
    return "".join(text_of(records, output_format, target=target, top=top))


def test_json_gives_back_what_went_in_as_an_array_or_a_line_each():
    assert json.loads(text(RECORDS, "json")) == RECORDS
    assert [json.loads(line) for line in text(RECORDS, "jsonl").splitlines()] == RECORDS
    assert json.loads(text([], "json")) == [] and text([], "jsonl") == ""


def test_csv_has_the_same_columns_whatever_the_rows_are():
    header = "file,script,p,script_1,p_1,script_2,p_2,windows,agree,shares,turned,error"
    assert text([], "csv") == text(RECORDS, "csv").splitlines()[0] + "\n" == header + "\n"
    rows = list(csv.DictReader(io.StringIO(text(RECORDS, "csv"))))
    assert [row["file"] for row in rows] == [record["file"] for record in RECORDS]
    assert [(row["script"], row["p"]) for row in rows] == [("Latn", "0.9"), ("", "0.5"), ("", ""), ("mixed", "0.98")]
    assert (rows[1]["script_2"], rows[1]["p_2"], rows[1]["turned"]) == ("Grek", "0.4", "180")
    assert [row["error"] for row in rows] == ["", "", "no picture", ""]
    assert rows[3]["shares"] == "Latn 0.6;Grek 0.4" and rows[0]["shares"] == ""
    assert [row["windows"] for row in rows] == ["2", "1", "0", "10"]


def test_another_target_gives_its_own_column():
    found = {"file": "x", **answer(np.array([[0.2, 0.8]]), ["left", "right"], target="pose")}
    assert text([found], "csv", target="pose").startswith("file,pose,p,pose_1,p_1,pose_2,p_2,")


def test_the_table_has_one_line_a_file():
    lines = text(RECORDS, "table").splitlines()
    assert len(lines) == 5
    assert lines[0].split() == ["file", "script", "p", "windows", "top"]
    assert lines[2].split() == [
        "ж\\n.png", "?", "0.500", "1/1", "Cyrl", "0.500", "Grek", "0.400", "(turned", "by", "180°)",
    ]  # fmt: skip
    assert lines[3].split() == ["bad.png", "-", "-", "-", "error:", "no", "picture"]
    assert lines[4].split() == ["c.png", "mixed", "0.980", "9/10", "shares:", "Latn", "0.60", "Grek", "0.40"]
    assert len({line.index(word) for line, word in zip(lines, ["top", "Latn", "Cyrl", "error", "shares"], strict=True)})


def test_the_table_s_columns_are_those_of_its_first_rows():
    records = [RECORDS[0] | {"file": "x" * (5 if number < FIRST else 9)} for number in range(FIRST + 2)]
    lines = text(records, "table").splitlines()
    assert {line.index("Latn") for line in lines[1 : FIRST + 1]} == {7}
    assert {line.index("Latn") for line in lines[FIRST + 1 :]} == {11}


@pytest.mark.parametrize("output_format", ["json", "jsonl", "csv", "table"])
def test_text_comes_while_records_come(output_format):
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield RECORDS[0]

    pieces = text_of(endless(), output_format, target="script", top=2)
    assert "Latn" in next(pieces) + next(pieces) and len(taken) <= FIRST + 1


@pytest.mark.parametrize("output_format", ["table", "json", "jsonl", "csv"])
def test_a_name_that_is_no_utf8_can_be_printed(output_format):
    name = os.fsdecode(b"\xff.png")
    found = text([{**RECORDS[0], "file": name}], output_format)
    found.encode("utf-8")
    assert "xff.png" in found


def test_parquet_has_one_schema_whatever_the_rows_are(tmp_path):
    for name, records in (("all", RECORDS), ("good", RECORDS[:1]), ("none", [])):
        write_parquet(tmp_path / f"{name}.parquet", iter(records), target="script")
    tables = [pq.read_table(tmp_path / f"{name}.parquet") for name in ("all", "good", "none")]
    assert tables[0].schema == tables[1].schema == tables[2].schema
    rows = tables[0].to_pylist()
    assert [{name: row[name] for name in ("file", "script", "p", "top", "windows", "agree")} for row in rows] == [
        {name: record[name] for name in ("file", "script", "p", "top", "windows", "agree")} for record in RECORDS
    ]
    assert [row["error"] for row in rows] == [None, None, "no picture", None]
    assert [row["turned"] for row in rows] == [0, 180, 0, 0]
    assert rows[3]["shares"] == [{"script": "Latn", "share": 0.6}, {"script": "Grek", "share": 0.4}]
    assert rows[0]["shares"] == []


def test_parquet_is_written_a_row_group_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.predict.formats.ROWS", 3)
    write_parquet(tmp_path / "t.parquet", iter(RECORDS * 2), target="script")
    file = pq.ParquetFile(tmp_path / "t.parquet")
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [3, 3, 2]


def test_the_format_is_the_one_given_else_the_suffix_s_else_a_table():
    assert format_of(None, None) == "table"
    assert format_of("csv", Path("a.json")) == "csv"
    assert [format_of(None, Path(f"a{suffix}")) for suffix in SUFFIXES] == list(SUFFIXES.values())
    assert format_of(None, Path("A.CSV")) == "csv"


@pytest.mark.parametrize(
    ("given", "out", "said"),
    [
        ("parquet", None, "Parquet cannot be printed"),
        (None, "a.xlsx", "suffix names no format.*--format"),
        ("csv", ".", "no regular file"),
    ],
)
def test_an_output_that_cannot_be_is_told(here, given, out, said):
    with pytest.raises(UserError, match=said):
        format_of(given, out and Path(out))
