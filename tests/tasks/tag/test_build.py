"""From crops to the table: checked, split, each crop once, and none lost."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tasks.common.params import ProblemSettings, read_params
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.shards import crop_schema, read_images, read_rows, read_table, write_shards
from tasks.crop_table.splits import SPLITS
from tasks.crop_table.text_side import text_side
from tasks.tag.build import make_table
from tests.conftest import ROOT
from unfont.errors import UserError

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design")
SETTINGS = read_params(ROOT / "params.yaml").tag.model_copy(
    update={"validation_words": 0.2, "test_words": 0.2, "rejected": 0.5}
)
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
    return row | {"font_family": "family", "origin": "rendered", "pair": None, "ambiguous": False} | changes


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
    rows.append({"script": "Zsym", "font_style": "display", "design": "design-icons", "side": "train"})
    rows.append({"script": "Grek", "font_style": "serif", "design": "design-train", "side": "train"})
    rows = [row | {"family": "family", "licence": "OFL-1.1"} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "fonts.parquet")
    return tmp_path / "fonts.parquet"


def tag(
    folder: Path, fonts: Path, rows: list[dict[str, Any]], problem: ProblemSettings = PROBLEM, **changes: Any
) -> tuple[dict[str, float], pd.DataFrame]:
    """Summary and rejections; the table lies in folder/table. Nothing is ever lost."""
    schema = crop_schema(problem, split=False)
    write_shards(folder / "crops", [pa.Table.from_pylist(rows, schema=schema)])
    summary = make_table(
        SETTINGS.model_copy(update=changes),
        problem=problem,
        name="toy",
        seed=0,
        crops=folder / "crops",
        fonts=fonts,
        out=folder / "table",
        rejected=folder / "rejected.parquet",
    )
    refused = pd.read_parquet(folder / "rejected.parquet")
    assert summary["accepted"] + summary["rejected"] + summary["set_aside"] == summary["given"]
    paths = [row["image"]["path"] for row in rows if row["image"]["path"]]
    if len(set(paths)) == len(paths):  # else a row of `refused` stands for all windows of a picture
        assert summary["rejected"] + summary["set_aside"] == len(refused)
    return summary, refused


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
        (crop(90, "train", "design-icons", TEXTS["train"][1], script="Zsym"), "script is not in the problem"),
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


def test_training_shows_letters_of_every_side_and_the_other_splits_their_own(tmp_path: Path, fonts: Path) -> None:
    of_test = [n for n in "abcdefghijklm" if text_side(n, script="Latn", settings=SETTINGS, seed=0) == "test"]
    shown = [crop(90, "train", "design-train", of_test[0]), crop(91, "validation", "design-validation", of_test[0])]
    _, rejected = tag(tmp_path, fonts, [*good(), *shown])
    assert rejected["path"].tolist() == [shown[1]["key"]] and "text" in rejected["reason"][0]


def test_the_same_pixels_with_two_labels_are_both_rejected(tmp_path: Path, fonts: Path) -> None:
    word = next(word for word in WORDS if text_side(word, script="Grek", settings=SETTINGS, seed=0) == "train")
    summary, rejected = tag(tmp_path, fonts, [*good(), crop(0, "train", "design-train", word, script="Grek")])
    assert summary["accepted"] + summary["rejected"] == summary["given"] == 11 and summary["rejected"] == 2
    assert rejected["reason"].str.contains("two values of script").all()


def test_a_pair_that_lost_a_crop_is_none(tmp_path: Path, fonts: Path) -> None:
    texts = TEXTS["train"][5:8]
    rows = [crop(40 + n, "train", "design-train", texts[n // 2], pair=f"{n // 2:016x}") for n in range(4)]
    rows[3] |= {"design": "design-validation"}
    tag(tmp_path, fonts, [*good(), *rows])
    pairs = read_rows(tmp_path / "table").set_index("key")["pair"].dropna()
    assert pairs.to_dict() == {rows[0]["key"]: "0" * 16, rows[1]["key"]: "0" * 16}


def test_more_than_two_may_be_partners(tmp_path: Path, fonts: Path) -> None:
    rows = [crop(40 + n, "train", "design-train", TEXTS["train"][5], pair="three") for n in range(3)]
    tag(tmp_path, fonts, [*good(), *rows])
    pairs = read_rows(tmp_path / "table").set_index("key")["pair"].dropna()
    assert pairs.to_dict() == {row["key"]: "three" for row in rows}


OWN = ProblemSettings(target="script", nuisances=["font_style"], group="design", source="own")
BOTH = OWN.model_copy(update={"source": "both"})


def own(number: int, **changes: Any) -> dict[str, Any]:
    row = crop(number, "train", f"group-{number % 8}", None) | {"planned": None, "origin": "user", "ambiguous": None}
    row["image"]["path"] = f"mine/{number}.png"
    return row | {"script": ("Latn", "Cyrl")[number % 2], "font_family": None} | changes


def mine(count: int = 80) -> list[dict[str, Any]]:
    return [own(1000 + number) for number in range(count)]


def test_own_crops_are_split_by_group(tmp_path: Path, fonts: Path) -> None:
    summary, refused = tag(tmp_path, fonts, mine(), problem=OWN)
    assert refused.empty and summary["near_duplicates"] == 0
    rows = read_rows(tmp_path / "table")
    assert set(rows["split"]) == set(SPLITS) and len(rows) == 80
    sides = rows["split"].replace({"pool": "train", "test_seen": "train"})
    assert (sides.groupby(rows["design"]).nunique() == 1).all()
    order = [(SPLITS.index(split), key) for split, key in zip(rows["split"], rows["key"], strict=True)]
    assert order == sorted(order)
    assert {"README.md", "samples.png"} <= {path.name for path in tmp_path.iterdir()}


def test_the_order_of_own_crops_does_not_matter(tmp_path: Path, fonts: Path) -> None:
    rows = [*mine(), own(1001, image={"bytes": mine()[1]["image"]["bytes"], "path": "mine/again.png"})]
    for name, order in (("one", rows), ("two", rows[::-1])):
        tag(tmp_path / name, fonts, order, problem=OWN)
    one, two = (tmp_path / name / "table" / "part-000.parquet" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"script": "Cyrl"}, ["the same pixels with two values of script"] * 2),
        ({"font_style": "display"}, ["the same pixels with two values of font_style"] * 2),
        ({"font_style": None}, ["the same pixels as another crop"]),
        ({"design": "another"}, ["the same pixels as another crop"]),
        ({"script": None}, ["its script is empty"]),
    ],
)
def test_the_same_pixels_are_one_label(
    changes: dict[str, Any], reasons: list[str], tmp_path: Path, fonts: Path
) -> None:
    again = own(1000) | {"image": {"bytes": own(1000)["image"]["bytes"], "path": "mine/again.png"}} | changes
    refused = tag(tmp_path, fonts, [*mine(), again], problem=OWN)[1]
    assert refused["reason"].tolist() == reasons and "mine/again.png" in refused["path"].tolist()


def test_a_background_that_looks_like_one_of_training_is_in_no_other_split(tmp_path: Path, fonts: Path) -> None:
    rows = good()
    alike = np.random.default_rng(13).integers(0, 256, (8, 12), np.uint8)  # the one of test_seen's `edges`
    assert key_of(alike) == rows[8]["key"]
    alike[0, 0] ^= 1
    homoglyph = background(99, "train", "noise") | {"image": {"bytes": encode_png(alike), "path": None}}
    summary, refused = tag(tmp_path, fonts, [*rows, homoglyph | {"key": key_of(alike)}])
    assert (summary["near_duplicates"], summary["set_aside"], summary["rejected"]) == (1, 1, 0)
    assert refused["path"].tolist() == [rows[8]["key"]]
    assert "near-duplicate" in refused["reason"].iloc[0]


def test_near_duplicates_stand_on_one_side(tmp_path: Path, fonts: Path) -> None:
    rng = np.random.default_rng(3)
    pictures = [np.kron(rng.integers(0, 200, (8, 8)), np.ones((4, 4))).astype(np.uint8) for _ in range(24)]
    rows = [
        own(n + 24 * copy, script="Latn", key=key_of(pixels))
        | {"image": {"bytes": encode_png(pixels), "path": f"mine/{n}-{copy}.png"}}
        for n, picture in enumerate(pictures)
        for copy, pixels in enumerate([picture, picture + 3])
    ]
    summary, refused = tag(tmp_path, fonts, rows, problem=OWN)
    assert summary["near_duplicates"] == 24 and refused.empty
    split = read_rows(tmp_path / "table").set_index("key")["split"]
    for picture in pictures:
        assert split[key_of(picture)] == split[key_of(picture + 3)]


def test_near_duplicates_of_different_groups_are_set_aside_and_count_for_no_fault(tmp_path: Path, fonts: Path) -> None:
    rows = [own(n, text="Haus", script="Latn") for n in range(80)]
    summary, refused = tag(tmp_path, fonts, [*rows, *mine()], problem=OWN, rejected=0.0)
    assert 0 < summary["set_aside"] < 80 and summary["rejected"] == 0
    assert set(refused["reason"]) == {"its text stands on another side than its group"}
    table = read_rows(tmp_path / "table")
    sides = table[table["text"] == "Haus"]["split"].replace(
        {"pool": "train", "test_seen": "test", "test_unseen": "test"}
    )
    assert sides.nunique() == 1


def test_own_crops_stand_beside_drawn_ones_where_their_texts_do(tmp_path: Path, fonts: Path) -> None:
    rows = [own(1000 + n, script="Latn", text=text, design=None) for n, text in enumerate(WORDS)]
    rows += [own(2000, script="Klin", text="nuq"), own(2001, script="Zxxx", kind="user", design=None)]
    rows += [own(2002, script="Latn", text=TEXTS["train"][0], design="design-train")]
    rows += [own(2003, script="Latn", text=TEXTS["train"][0], design="design-test_unseen")]
    summary, refused = tag(tmp_path, fonts, [*good(), *rows], problem=BOTH)
    assert dict(refused.to_numpy().tolist()) == {
        "mine/2000.png": "its script is not in the problem",
        "mine/2003.png": "its text stands on another side than its group",
    }
    found = read_rows(tmp_path / "table")
    found = found[(found["origin"] == "user") & found["text"].notna()]
    for text, split in found[["text", "split"]].itertuples(index=False):
        side = {"pool": "train", "test_seen": "test", "test_unseen": "test"}.get(split, split)
        assert text in TEXTS[side]
    assert summary["given"] == 10 + 204


def test_pictures_that_could_not_be_read_count_among_the_given(tmp_path: Path, fonts: Path) -> None:
    write_shards(tmp_path / "crops", [pa.Table.from_pylist(mine(), schema=crop_schema(OWN, split=False))])
    unread = pa.table({"path": ["b.png", "a.png"], "reason": ["the file is empty"] * 2})
    pq.write_table(unread, tmp_path / "crops" / "rejected.parquet")
    options = {"problem": OWN, "name": "toy", "seed": 0, "crops": tmp_path / "crops", "fonts": fonts}
    options |= {"out": tmp_path / "table", "rejected": tmp_path / "rejected.parquet"}
    summary = make_table(SETTINGS, **options)
    assert (summary["given"], summary["accepted"], summary["rejected"]) == (82, 80, 2)
    assert pd.read_parquet(tmp_path / "rejected.parquet")["path"].tolist() == ["a.png", "b.png"]
    with pytest.raises(UserError, match="2 of 82 crops cannot be used, most often: the file is empty"):
        make_table(SETTINGS.model_copy(update={"rejected": 0.01}), **options)


def test_a_large_table_is_sorted_in_parts(tmp_path: Path, fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tag(tmp_path / "whole", fonts, mine(), problem=OWN)
    monkeypatch.setattr("tasks.tag.sorted_rows.SORTED_ROWS", 7)
    monkeypatch.setattr("tasks.tag.sorted_rows.BATCH", 5)
    tag(tmp_path / "parts", fonts, mine(), problem=OWN)
    one, two = (tmp_path / name / "table" / "part-000.parquet" for name in ("whole", "parts"))
    assert one.read_bytes() == two.read_bytes()
    assert not list((tmp_path / "parts").glob(".*"))  # no scratch is left


def windows(rows: list[dict[str, Any]], each: int) -> list[dict[str, Any]]:
    """The same rows, `each` of them in turn with the path of the first."""
    return [row | {"image": row["image"] | {"path": f"mine/{n // each}.png"}} for n, row in enumerate(rows)]


@pytest.mark.parametrize("labels", [{}, {"design": None}, {"text": "Haus"}, {"design": None, "text": "Haus"}])
def test_the_windows_of_a_picture_stand_on_one_side(labels: dict[str, Any], tmp_path: Path, fonts: Path) -> None:
    rows = [own(2000 + n, script=("Latn", "Cyrl")[n // 4 % 2], design=f"group-{n // 4 % 8}") for n in range(160)]
    rows = windows([row | labels for row in rows], each=4)
    summary, _ = tag(tmp_path, fonts, rows, problem=OWN)
    table = read_table(tmp_path / "table", {"split": pc.field("split"), "path": pc.field("image", "path")}).to_pandas()
    assert (table.groupby("path")["split"].nunique() == 1).all() and table["split"].nunique() > 1
    assert (table.groupby("path").size() == 4).all()
    assert summary["near_duplicates"] == 0
    assert (summary["own_crops"], summary["own_pictures"]) == (len(table), table["path"].nunique())
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"of the accepted, {len(table)} are windows of {len(table) // 4} pictures" in card


def test_a_rejected_picture_is_one_row_and_counts_once(tmp_path: Path, fonts: Path) -> None:
    good, bad = mine(12), windows([own(3000 + n, script=None) for n in range(8)], each=8)
    crops = [pa.Table.from_pylist([*good, *bad], schema=crop_schema(OWN, split=False))]
    write_shards(tmp_path / "crops", crops)
    options: dict[str, Any] = {"problem": OWN, "name": "toy", "seed": 0, "crops": tmp_path / "crops", "fonts": fonts}
    options |= {"out": tmp_path / "table", "rejected": tmp_path / "rejected.parquet"}
    summary = make_table(SETTINGS.model_copy(update={"rejected": 1 / 13}), **options)
    assert (summary["given"], summary["accepted"], summary["rejected"]) == (20, 12, 8)
    assert pd.read_parquet(tmp_path / "rejected.parquet").to_numpy().tolist() == [["mine/0.png", "its script is empty"]]
    with pytest.raises(UserError, match="1 of 13 pictures cannot be used, most often: its script is empty"):
        make_table(SETTINGS.model_copy(update={"rejected": 0.07}), **options)


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
