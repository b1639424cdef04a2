from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.images.manifest import label_of, read_manifest
from unfont.errors import UserError


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("Latn", "Latn"),
        (" Latn\n", "Latn"),
        ("e\u0301", "é"),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (float("inf"), "inf"),
        (Decimal("1.5"), "1.5"),
        (b"Latn", "Latn"),
        (b"\xff", "\\xff"),
        (True, "True"),
        ("\ud800", "\\ud800"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        *[(nothing, None) for nothing in (None, "", " ", "nan", "NaN", float("nan"), np.float32("nan"))],
    ],
)
def test_values_become_labels(value, label):
    assert label_of(value) == label


def rows_of(path, **options):
    options = {"columns": ["script", "text"], "required": "script", "renamed": {}} | options
    return [(row.number, row.path, row.labels) for row in read_manifest(path, **options)]


def test_quotes_blank_lines_and_short_rows_are_read(here):
    (here / "a.csv").write_text('file_name,other,script,text\n"a, b.png",x,Latn,"two\nlines"\n\nc.png\n')
    assert rows_of(here / "a.csv") == [
        (1, "a, b.png", {"script": "Latn", "text": "two\nlines"}),
        (2, "c.png", {"script": None, "text": None}),
    ]


def test_names_that_are_no_utf8_are_kept(here):
    (here / "a.csv").write_bytes(b"path,script\n\xff.png,Latn\n")
    assert rows_of(here / "a.csv", columns=["script"]) == [(1, "\udcff.png", {"script": "Latn"})]


def test_parquet_of_any_string_type_is_read(here):
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.binary()):
        table = pa.table({"path": ["a", "b"], "script": pa.array(["Latn", None], pa.string()).cast(kind)})
        pq.write_table(table, here / "a.parquet")
        assert rows_of(here / "a.parquet", columns=["script"]) == [
            (1, "a", {"script": "Latn"}),
            (2, "b", {"script": None}),
        ]


def test_capitals_of_a_columns_name_do_not_matter(here):
    (here / "a.csv").write_text("Filename, Script\na.png, Latn\n")
    assert rows_of(here / "a.csv", columns=["script"]) == [(1, "a.png", {"script": "Latn"})]
    (here / "a.csv").write_text("Script,script,path\nCyrl,Latn,a.png\n")
    assert rows_of(here / "a.csv", columns=["script"]) == [(1, "a.png", {"script": "Latn"})]


def test_without_a_header_a_file_that_is_there_says_so(here):
    (here / "a.csv").write_text("a,Latn\nb,Cyrl\n")
    rows = rows_of(here / "a.csv", columns=["script"], exists=lambda name: name == "a")
    assert rows == [(1, "a", {"script": "Latn"}), (2, "b", {"script": "Cyrl"})]


def test_the_pictures_column_can_be_named(here):
    (here / "a.csv").write_text("path,crop,script\nx,y,Latn\n")
    assert rows_of(here / "a.csv", columns=["script"], renamed={"image": "crop"}) == [(1, "y", {"script": "Latn"})]


def test_what_is_no_manifest_is_told(here):
    (here / "a.parquet").write_text("no parquet")
    (here / "a.xlsx").write_text("no CSV")
    for name, said in (("a.parquet", "cannot be read"), ("a.xlsx", "save it as CSV"), ("none.csv", "no such manifest")):
        with pytest.raises(UserError, match=said):
            rows_of(here / name)
