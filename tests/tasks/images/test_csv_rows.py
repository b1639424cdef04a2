import pytest

from tasks.images.csv_rows import read_csv
from unfont.errors import UserError

ROWS = [["path", "script"], ["x/a.png", "Latn"], ["é.png", "Cyrl"]]


def read(path):
    known = {"image", "path", "script"}
    return list(read_csv(path, headed=("image", "script"), known=known, is_picture=lambda name: name.endswith(".png")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " ; ", ", "])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write_is_read(here, encoding, delimiter, line_end):
    text = line_end.join(delimiter.join(row) for row in ROWS) + line_end
    (here / "a.csv").write_bytes(text.encode(encoding))
    assert [[cell.strip() for cell in row] for row in read(here / "a.csv")] == ROWS


def test_without_a_header_two_columns_are_a_picture_and_its_target(here):
    (here / "a.csv").write_text("\nx/a.png;Latn\nb.png;Cyrl\n")
    assert read(here / "a.csv") == [["image", "script"], ["x/a.png", "Latn"], ["b.png", "Cyrl"]]


def test_a_tsv_may_hold_commas(here):
    (here / "a.tsv").write_text("path\tscript\na,b.png\tLatn\n")
    assert read(here / "a.tsv")[1] == ["a,b.png", "Latn"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"Latn,a.png\n", "no header, and 2 columns.*image,script"),
        (b"a.png,Latn,serif\n", "no header, and 3 columns"),
        (b"path,script\na.png,Latn,x\n", "row 1 has 3 values, the header 2.*quotes"),
        ("path,script\n".encode("utf-16-le"), "UTF-16 without.*UTF-8"),
        (b"PK\x03\x04 and so on", "spreadsheet.*save it as CSV"),
        (b"\n \n", "empty"),
    ],
)
def test_what_is_ambiguous_is_told_with_what_to_do(here, data, said):
    (here / "a.csv").write_bytes(data)
    with pytest.raises(UserError, match=said):
        read(here / "a.csv")


def test_empty_values_behind_the_header_do_no_harm(here):
    (here / "a.csv").write_text("path,script,,\na.png,Latn,,,,\n")
    assert read(here / "a.csv")[1][:2] == ["a.png", "Latn"]
