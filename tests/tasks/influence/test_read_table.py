"""Tables as people save them, and what is said where one cannot be read."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.influence.read_table import read_table
from unfont.errors import UserError

WANTED = {"name": ["ä", "b", None], "count": [1, 2, 3]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_delimiter_in_any_encoding_of_unicode(here, delimiter, encoding):
    text = "\r\n".join(delimiter.join(row) for row in (["name", "count"], ["ä", "1"], ["b", "2"], ["", "3"])) + "\r\n"
    path = here / "table.csv"
    path.write_bytes(text.encode(encoding))
    assert read_table(path).to_pydict() == WANTED


def test_parquet_whatever_the_file_is_called(here):
    pq.write_table(pa.table(WANTED), here / "table.data")
    assert read_table(here / "table.data").to_pydict() == WANTED


def test_a_column_whose_type_changes_late_is_text(here):
    path = here / "table.csv"
    rows = [f"{number}, " for number in range(200_000)]
    path.write_text("mixed,other\n" + "\n".join([*rows, "late,1"]) + "\n")
    found = read_table(path)
    assert found["mixed"][-1].as_py() == "late" and found["mixed"][0].as_py() == "0"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such table"),
        (b"", "the table has no header"),
        (b"a,b\n", "the table has no rows"),
        (b"a,a\n1,2\n", "two columns are called 'a'"),
        (b"a,b\n1,2\n3,4,5\n", "Expected 2 columns, got 3"),
        (b"a,b\nM\xfcnchen,2\n", "the table is not UTF-8"),
        (b"a,b\n" + b"x,1\n" * 10_000 + b"M\xfcnchen,2\n", "the table is not UTF-8"),
        (b"PK\x03\x04\x14\x00", "a spreadsheet or an archive"),
        (b"PAR1 but no more", "the table cannot be read"),
    ],
)
def test_one_line_says_what_is_wrong(here, content, said):
    path = here / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_table(path)
    assert said in str(error.value) and "table.csv" in str(error.value) and "\n" not in str(error.value)
