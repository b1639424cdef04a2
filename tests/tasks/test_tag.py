"""From crops to the table: checked, split, each crop once, and none lost."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.errors import UserError
from tasks.params import ProblemSettings, TagSettings
from tasks.split import text_side
from tasks.table import SPLITS, crop_schema, encode_png, key_of, read_images, read_rows, write_shards
from tasks.tag import make_table

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design")
SETTINGS = TagSettings(validation_words=0.2, test_words=0.2, rejected=0.5)
WORDS = [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)]
TEXTS = {
    side: [w for w in WORDS if text_side(w, script="Latn", settings=SETTINGS, seed=0) == side]
    for side in ("train", "validation", "test")
}
GOOD = [
    ("train", "design-train", TEXTS["train"][0]),
    ("pool", "design-train", TEXTS["train"][0]),
    ("validation", "design-validation", TEXTS["validation"][0]),
    ("test_seen", "design-train", TEXTS["test"][0]),
    ("test_unseen", "design-test_unseen", TEXTS["test"][1]),
]


def crop(number: int, planned: str, design: str, text: str | None, **changes: Any) -> dict[str, Any]:
    pixels = np.random.default_rng(number).integers(0, 256, (8, 12), np.uint8)
    row = {"image": {"bytes": encode_png(pixels), "path": None}, "key": key_of(pixels), "planned": planned}
    row |= {"script": "Latn", "font_style": "serif", "design": design, "text": text, "kind": "word"}
    return row | {"font_family": "family", "origin": "rendered", "pair": None} | changes


def background(number: int, planned: str, kind: str) -> dict[str, Any]:
    changes = {"script": "Zxxx", "font_style": None, "font_family": None, "kind": kind}
    return crop(number, planned, f"Zxxx:{kind}", None, **changes)


def good() -> list[dict[str, Any]]:
    rows = [crop(number, *what) for number, what in enumerate(GOOD)]
    kinds = ("noise", "bars", "checker", "edges", "arcs")
    return rows + [background(10 + n, split, kind) for n, (split, kind) in enumerate(zip(SPLITS, kinds, strict=True))]


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    sides = ("train", "validation", "test_unseen")
    rows = [{"script": "Latn", "font_style": "serif", "design": f"design-{side}", "side": side} for side in sides]
    rows.append({"script": "Grek", "font_style": "serif", "design": "design-train", "side": "train"})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "fonts.parquet")
    return tmp_path / "fonts.parquet"


def tag(folder: Path, fonts: Path, rows: list[dict[str, Any]], **changes: Any) -> tuple[dict[str, float], pd.DataFrame]:
    """Summary and rejections; the table lies in folder/table."""
    schema = crop_schema(PROBLEM, split=False)
    write_shards(folder / "crops", [pa.Table.from_pylist(rows, schema=schema)])
    summary = make_table(
        SETTINGS.model_copy(update=changes),
        problem=PROBLEM,
        seed=0,
        crops=folder / "crops",
        fonts=fonts,
        out=folder / "table",
        rejected=folder / "rejected.parquet",
    )
    return summary, pd.read_parquet(folder / "rejected.parquet")


def test_good_crops_all_come_through(tmp_path: Path, fonts: Path) -> None:
    summary, rejected = tag(tmp_path, fonts, good(), rejected=0.0)
    assert (summary["given"], summary["accepted"], summary["rejected"]) == (10, 10, 0) and rejected.empty
    rows = read_rows(tmp_path / "table")
    order = [(SPLITS.index(split), key) for split, key in zip(rows["split"], rows["key"], strict=True)]
    assert order == sorted(order) and rows["split"].value_counts().to_dict() == dict.fromkeys(SPLITS, 2)
    given = {row["key"]: row for row in good()}
    for row in rows.to_dict("records"):
        assert row["split"] == given[row["key"]]["planned"]
        assert all(given[row["key"]][name] == row[name] or pd.isna(row[name]) for name in ("script", "design", "text"))
    images, found = read_images(tmp_path / "table")
    assert [key_of(image) for image in images] == found["key"].tolist()


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (crop(90, "train", "design-validation", TEXTS["train"][1]), "design"),
        (crop(90, "test_unseen", "design-train", TEXTS["test"][1]), "design"),
        (crop(90, "train", "nobody's", TEXTS["train"][1]), "design"),
        (crop(90, "train", "design-train", TEXTS["test"][1]), "text"),
        (crop(90, "validation", "design-validation", TEXTS["train"][1]), "text"),
        (crop(90, "train", "design-train", None), "text"),
        (crop(90, "train", "design-train", TEXTS["train"][1], script="Qaaa"), "script is not in the problem"),
        (crop(90, "train", "design-train", TEXTS["train"][1], script=None), "script is not in the problem"),
        (crop(90, "someday", "design-train", TEXTS["train"][1]), "no split"),
        (background(90, "train", "checker"), "kind of background"),
        (background(90, "test_unseen", "noise"), "kind of background"),
        (crop(0, "pool", "design-train", TEXTS["train"][1]), "as another crop"),
    ],
)
def test_a_bad_crop_is_rejected_with_its_reason(bad: dict[str, Any], reason: str, tmp_path: Path, fonts: Path) -> None:
    summary, rejected = tag(tmp_path, fonts, [*good(), bad])
    assert (summary["given"], summary["accepted"], summary["rejected"]) == (11, 10, 1)
    assert rejected["path"].tolist() == [bad["key"]] and reason in rejected["reason"][0]


def test_the_same_pixels_with_two_labels_are_both_rejected(tmp_path: Path, fonts: Path) -> None:
    word = next(word for word in WORDS if text_side(word, script="Grek", settings=SETTINGS, seed=0) == "train")
    summary, rejected = tag(tmp_path, fonts, [*good(), crop(0, "train", "design-train", word, script="Grek")])
    assert summary["accepted"] + summary["rejected"] == summary["given"] == 11 and summary["rejected"] == 2
    assert rejected["reason"].str.contains("two values of script").all()


def test_a_users_crop_is_named_by_its_file(tmp_path: Path, fonts: Path) -> None:
    bad = crop(90, "train", "design-validation", TEXTS["train"][1])
    bad["image"]["path"] = "mine/a.png"
    assert tag(tmp_path, fonts, [*good(), bad])[1]["path"].tolist() == ["mine/a.png"]


def test_too_many_rejections_stop_the_run(tmp_path: Path, fonts: Path) -> None:
    bad = [crop(90 + n, "train", "design-validation", TEXTS["train"][1]) for n in range(2)]
    with pytest.raises(UserError, match=r"2 of 12 crops .* its design is not on its split's side"):
        tag(tmp_path, fonts, [*good(), *bad], rejected=0.1)
    assert not (tmp_path / "table").exists()
    assert len(pd.read_parquet(tmp_path / "rejected.parquet")) == 2  # the message names this file


def test_no_crops_are_told(tmp_path: Path, fonts: Path) -> None:
    with pytest.raises(UserError, match="there are no crops"):
        tag(tmp_path, fonts, [])


def test_the_same_crops_give_the_same_bytes(tmp_path: Path, fonts: Path) -> None:
    for name in ("one", "two"):
        tag(tmp_path / name, fonts, good())
    one, two = (tmp_path / name / "table" / "part-000.parquet" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
