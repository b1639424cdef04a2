"""Pictures that were brought in become rows of the crop table, or are rejected with their reason."""

import dataclasses
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from tasks.common.params import ProblemSettings, read_params
from tasks.crop_table.origins import kept_name
from tasks.crop_table.png import decode_png, key_of
from tasks.crop_table.shards import crop_schema, read_images, write_shards
from tasks.images.given_pictures import Picture
from tasks.images.import_images import write_pictures
from tasks.images.imported_rows import own_tables
from tasks.images.picture_table import picture_schema
from tasks.images.training_windows import training_windows
from tests.conftest import ROOT
from tests.unfont.drawing import word
from unfont.errors import UserError
from unfont.picture import picture_of
from unfont.reading import fit

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design", source="own")
CROPS = read_params(ROOT / "params.yaml").crops.model_copy(update={"height": 16, "width": 40})


def picture(name: str, seed: int, **labels: str | None) -> Picture:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 30, 3)).astype(np.uint8)).save(file, "PNG")
    labels = {"script": "Latn", "font_style": None, "design": None, "text": None} | labels
    return Picture(name=name, data=file.getvalue(), labels=labels)


def line(name: str, drawn: str, **labels: str | None) -> Picture:
    file = io.BytesIO()
    Image.fromarray(word(drawn)).save(file, "PNG")
    return dataclasses.replace(picture(name, 0, **labels), data=file.getvalue())


def whole(one: Picture):
    """The picture fitted whole into a crop."""
    return fit(picture_of(one.data, where=""), height=16, width=40)


def brought(folder, pictures, problem=PROBLEM):
    write_pictures(folder, iter(pictures), picture_schema(problem))
    return folder


def read(folder, problem=PROBLEM, **changes):
    rejected: list[tuple[str, str]] = []
    settings = CROPS.model_copy(update=changes)
    tables = list(own_tables(folder, problem=problem, settings=settings, rejected=rejected))
    return pa.concat_tables(tables), rejected


def test_good_pictures_are_rows_and_bad_ones_are_named(tmp_path):
    pictures = [
        line("a.png", "if", font_style="serif", design="d", text="Haus"),
        picture("b.png", 1, script="Zxxx"),
        Picture(name="c.png", data=b"no picture", labels={"script": "Latn"}),
        Picture(name="d.png", data=None, labels={}, reason="does not match the pattern"),
    ]
    table, rejected = read(brought(tmp_path / "pictures", pictures))
    assert rejected == [("c.png", "this is no picture"), ("d.png", "does not match the pattern")]
    assert table.schema == crop_schema(PROBLEM, split=False)
    rows = table.to_pylist()
    assert [row["image"]["path"] for row in rows] == ["a.png", "b.png"]
    (pixels,) = training_windows(picture_of(pictures[0].data, where=""), height=16, width=40)
    for row, crop in zip(rows, (pixels, whole(pictures[1])), strict=True):
        assert row["key"] == key_of(crop)
        np.testing.assert_array_equal(decode_png(row["image"]["bytes"]), crop)
    assert (rows[0]["font_style"], rows[0]["design"], rows[0]["text"], rows[0]["ambiguous"]) == (
        "serif",
        "d",
        "Haus",
        False,
    )
    assert [row["kind"] for row in rows] == ["word", "user"] and rows[1]["ambiguous"] is None
    assert {(row["origin"], row["pair"], row["planned"], row["font_family"]) for row in rows} == {
        ("user", None, None, None)
    }


def test_a_line_gives_its_windows_with_its_labels_and_no_partners(tmp_path):
    text = "the quick brown fox"
    pictures = [
        line("line.png", text, text=text, design="d", pair="one"),
        line("word.png", "if", pair="one"),
        line("no text.png", text, script="Zxxx"),
    ]
    table, rejected = read(brought(tmp_path / "pictures", pictures))
    rows = table.to_pylist()
    windows = training_windows(picture_of(pictures[0].data, where=""), height=16, width=40)
    assert len(windows) > 2 and not rejected
    assert [row["image"]["path"] for row in rows] == ["line.png"] * len(windows) + ["word.png", "no text.png"]
    for row, window in zip(rows, windows, strict=False):
        np.testing.assert_array_equal(decode_png(row["image"]["bytes"]), window)
        assert (row["text"], row["design"], row["pair"], row["key"]) == (text, "d", None, key_of(window))
    assert len({row["key"] for row in rows}) == len(rows)
    assert rows[-2]["pair"] == "Latn/one"
    np.testing.assert_array_equal(decode_png(rows[-1]["image"]["bytes"]), whole(pictures[2]))


@pytest.mark.parametrize(("source", "windows"), [("own", False), ("both", True)])
def test_where_no_model_learns_zxxx_pictures_are_fitted_whole(tmp_path, source, windows):
    problem = PROBLEM.model_copy(update={"source": source})
    one = line("line.png", "the quick brown fox")
    bad = Picture(name="bad", data=None, labels={"script": "Zxxx"}, reason="there is no such file")
    table, _ = read(brought(tmp_path / "pictures", [one, bad], problem), problem)
    assert (table.num_rows > 1) == windows
    if not windows:
        np.testing.assert_array_equal(decode_png(table.to_pylist()[0]["image"]["bytes"]), whole(one))


def test_a_word_whose_letters_have_twins_is_ambiguous(tmp_path):
    table, _ = read(brought(tmp_path / "pictures", [picture("a.png", 0, script="Cyrl", text="ВОТ")]))
    assert table["ambiguous"].to_pylist() == [True]


def test_colour_is_kept_where_crops_have_three_channels(tmp_path):
    table, _ = read(brought(tmp_path / "pictures", [picture("a.png", 0)]), channels=3)
    write_shards(tmp_path / "crops", [table])
    images, _ = read_images(tmp_path / "crops")
    assert images.shape == (1, 16, 40, 3) and (images[..., 0] != images[..., 1]).any()


def test_many_pictures_come_in_several_tables(tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.images.imported_rows.ROWS", 3)
    brought(tmp_path / "pictures", [picture(f"{n}.png", n) for n in range(7)])
    tables = list(own_tables(tmp_path / "pictures", problem=PROBLEM, settings=CROPS, rejected=[]))
    assert [table.num_rows for table in tables] == [3, 3, 1]


def test_all_bad_is_an_empty_table(tmp_path):
    bad = Picture(name="a", data=b"", labels={"script": "Latn"})
    table, rejected = read(brought(tmp_path / "pictures", [bad]))
    assert table.num_rows == 0 and rejected == [("a", "the file is empty")]


def test_pictures_of_other_labels_or_none_are_told(tmp_path):
    with pytest.raises(UserError, match=r"there are no pictures.*unfont tag --from"):
        read(tmp_path)
    other = ProblemSettings(target="pose", nuisances=[], group="person", source="own")
    brought(tmp_path / "pictures", [Picture(name="a", data=b"", labels={"pose": "up"})], other)
    with pytest.raises(UserError, match=r"have no 'script'.*again"):
        read(tmp_path / "pictures")
    (tmp_path / "pictures" / "part-000.parquet").write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "pictures")


def test_the_same_pictures_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        folder = brought(tmp_path / name, [picture(f"{n}.png", n) for n in range(5)])
        write_shards(tmp_path / f"{name}-crops", [read(folder)[0]])
    one, two = (tmp_path / f"{name}-crops" / "part-000.parquet" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert len(pd.read_parquet(one)) == 5


def test_partners_are_pictures_of_one_target_with_the_same_pair(tmp_path):
    pictures = [
        picture("a.png", 0, script="Latn", pair="happy"),
        picture("b.png", 1, script="Latn", pair="happy"),
        picture("c.png", 2, script="Cyrl", pair="happy"),
        picture("d.png", 3, script="Latn"),
    ]
    table, _ = read(brought(tmp_path / "pictures", pictures))
    one, two, other, alone = table["pair"].to_pylist()
    assert one == two != other and alone is None and other is not None


def test_a_crop_that_the_live_page_kept_says_so(tmp_path):
    kept = picture(kept_name("ab" * 32), 0, design="one")
    rows, rejected = read(brought(tmp_path / "own", [kept, picture("a.png", 1)]))
    assert rows["origin"].to_pylist() == ["live", "user"] and not rejected
