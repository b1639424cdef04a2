"""The crop table: shards and readers."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.common.params import ProblemSettings
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.shards import (
    IMAGE,
    crop_schema,
    label_columns,
    read_images,
    read_rows,
    stream_images,
    write_shards,
)
from tasks.crop_table.splits import SPLITS
from unfont.errors import UserError

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design")
ROWS = 50


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (ROWS, 8, 12), np.uint8)


@pytest.fixture
def folder(tmp_path: Path, pixels: np.ndarray) -> Path:
    """Five splits of ten rows in shards of twenty."""
    rows = [
        {
            "image": {"bytes": encode_png(crop), "path": None},
            "script": "Latn" if number % 2 else "Grek",
            "font_style": None if number % 5 == 0 else "serif",
            "design": f"design-{number}",
            "font_family": "family",
            "text": "word",
            "kind": "word",
            "origin": "rendered",
            "pair": None,
            "ambiguous": None if number % 5 == 0 else number % 2 == 0,
            "key": key_of(crop),
            "split": SPLITS[number // 10],
        }
        for number, crop in enumerate(pixels)
    ]
    rows.sort(key=lambda row: (SPLITS.index(row["split"]), row["key"]))
    schema = crop_schema(PROBLEM, split=True)
    parts = [pa.Table.from_pylist(rows[start : start + 7], schema=schema) for start in range(0, ROWS, 7)]
    assert write_shards(tmp_path / "table", parts, rows=20) == ROWS
    return tmp_path / "table"


def test_shards_hold_the_rows_in_order(folder: Path) -> None:
    shards = sorted(folder.iterdir())
    assert [shard.name for shard in shards] == ["part-000.parquet", "part-001.parquet", "part-002.parquet"]
    assert [pq.read_metadata(shard).num_rows for shard in shards] == [20, 20, 10]
    rows = read_rows(folder)
    assert rows["split"].tolist() == [split for split in SPLITS for _ in range(10)]
    assert "image" not in rows and rows["font_style"].isna().sum() == 10


def test_images_come_back_by_key(folder: Path, pixels: np.ndarray) -> None:
    by_key = {key_of(crop): crop for crop in pixels}
    images, rows = read_images(folder, ["pool", "validation"])
    assert rows["key"].tolist() == sorted(key_of(crop) for crop in pixels[10:30])
    assert all(np.array_equal(crop, by_key[key]) for crop, key in zip(images, rows["key"], strict=True))
    images, rows = read_images(folder, keys=sorted(by_key)[:3])
    assert rows["key"].tolist() == sorted(by_key)[:3] and images.shape == (3, 8, 12)
    assert len(read_images(folder, ["pool"], keys=[])[0]) == 0


def test_streaming_gives_what_reading_gives(folder: Path) -> None:
    parts = list(stream_images(folder, ["train", "pool"], batch=6))
    assert all(len(images) == len(rows) <= 6 for images, rows in parts)
    streamed = dict(
        zip(
            (key for _, rows in parts for key in rows["key"]),
            (crop for images, _ in parts for crop in images),
            strict=True,
        )
    )
    images, rows = read_images(folder, ["train", "pool"])
    assert streamed.keys() == set(rows["key"])
    assert all(np.array_equal(streamed[key], crop) for key, crop in zip(rows["key"], images, strict=True))


def test_grey_crops_among_coloured_ones_are_given_three_channels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, shape).astype(np.uint8) for shape in [(8, 12), (8, 12, 3), (8, 12)]]
    keys = [f"{number:064x}" for number in range(3)]
    rows = [
        {"image": {"bytes": encode_png(crop), "path": None}, "key": key} for crop, key in zip(crops, keys, strict=True)
    ]
    schema = crop_schema(PROBLEM, split=True)
    arrays = [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema]
    write_shards(tmp_path / "table", [pa.Table.from_arrays(arrays, schema=schema)])
    images, _ = read_images(tmp_path / "table")
    assert images.shape == (3, 8, 12, 3)
    assert np.array_equal(images[1], crops[1])
    assert np.array_equal(images[2], np.stack([crops[2]] * 3, axis=-1))
    assert read_images(tmp_path / "table", keys=keys[2:])[0].shape == (1, 8, 12)


def test_schema_says_to_datasets_what_is_an_image() -> None:
    metadata = json.loads(crop_schema(PROBLEM, split=False).metadata[b"huggingface"])
    features = metadata["info"]["features"]
    assert features["image"] == {"_type": "Image"} and features["script"]["dtype"] == "string"
    assert features["ambiguous"]["dtype"] == "bool"
    assert list(features) == crop_schema(PROBLEM, split=False).names


def test_columns_are_the_problems() -> None:
    faces = ProblemSettings(target="pose", nuisances=["person"], group="person")
    names = crop_schema(faces, split=True).names
    assert names[:3] == ["image", "pose", "person"] and names.count("person") == 1
    assert crop_schema(faces, split=True).field("image").type == IMAGE


def test_colour_is_no_column() -> None:
    coloured = ProblemSettings(target="script", nuisances=["font_style", "colour"], group="design")
    assert label_columns(coloured) == ["script", "font_style", "design"]
    assert crop_schema(coloured, split=True).equals(crop_schema(PROBLEM, split=True), check_metadata=True)


def test_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unfont tag"):
        read_rows(tmp_path)
    (tmp_path / "part-000.parquet").write_text("no table")
    with pytest.raises(UserError, match="cannot be read"):
        read_images(tmp_path)
