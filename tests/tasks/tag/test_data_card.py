"""The data card: what it says is what the table holds, and the table loads as it says."""

import io
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from tasks.common.params import ProblemSettings
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.shards import crop_schema, read_rows, write_shards
from tasks.tag.data_card import write_card
from tasks.tag.data_card_text import plain

PROBLEM = ProblemSettings(target="script", nuisances=["font_style", "colour"], group="design")
FACES = ProblemSettings(target="pose", nuisances=["person"], group="person")
COUNTS = {"given": 63.0, "accepted": 60.0, "rejected": 3.0, "near_duplicates": 2.0}


def write_table(
    folder: Path, problem: ProblemSettings = PROBLEM, *, labels: tuple[str, ...] = ("Grek", "Latn", "Zxxx")
) -> Path:
    """Sixty crops of noise: targets in turn, every second one without a nuisance, a third of them in `pool`."""
    random = np.random.default_rng(0)
    schema = crop_schema(problem, split=True)
    rows = []
    for number in range(60):
        pixels = random.integers(0, 256, (8, 24), np.uint8)
        row: dict[str, Any] = dict.fromkeys(schema.names)
        row |= {"image": {"bytes": encode_png(pixels), "path": None}, "key": key_of(pixels), "kind": "word"}
        row |= {
            problem.group: f"group-{number % 4}",
            "origin": "rendered",
            "split": "pool" if number >= 40 else "train",
        }
        row[problem.target] = labels[number % len(labels)]
        if problem.nuisances:
            row[problem.nuisances[0]] = None if number % 2 else "serif"
        rows.append(row)
    write_shards(folder, [pa.Table.from_pylist(rows, schema=schema)], rows=25)
    return folder


def front_matter(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def test_the_card_counts_what_the_table_holds(tmp_path: Path) -> None:
    table = write_table(tmp_path / "table")
    write_card(table, folder=table.parent, problem=PROBLEM, name="scripts", counts=COUNTS, seed=7)
    card = (table.parent / "README.md").read_text(encoding="utf-8")
    rows = read_rows(table, ["script", "font_style", "split"])
    assert f"| `train` | {(rows['split'] == 'train').sum()} |" in card
    of_latin = rows[rows["script"] == "Latn"]["font_style"]
    assert f"| Latn | {(of_latin == 'serif').sum()} | {of_latin.isna().sum()} |" in card
    assert "rejected: they cannot be used: 3" in card
    assert "seed of every random choice: 7" in card
    assert "Zxxx" in card
    assert "`colour`:" not in card


def test_what_a_pair_is_said_to_be_is_true_of_own_pictures_too(tmp_path: Path) -> None:
    """A `{pair}` label of own pictures joins what the user says: not one text, and no designs need be there."""
    table = write_table(tmp_path / "table", FACES)
    write_card(table, folder=table.parent, problem=FACES, name="faces", counts=COUNTS, seed=7)
    card = (table.parent / "README.md").read_text(encoding="utf-8")
    (line,) = [line for line in card.splitlines() if line.startswith("| `pair` |")]
    assert "shared by crops that should differ in the nuisance alone" in line
    assert "two crops of one text" not in card


def test_datasets_decodes_the_images_of_files_and_of_the_folder(tmp_path: Path) -> None:
    table = write_table(tmp_path / "table")
    write_card(table, folder=table.parent, problem=PROBLEM, name="scripts", counts=COUNTS)
    cache = str(tmp_path / "cache")
    files = [str(path) for path in sorted(table.glob("part-*.parquet"))]
    of_files = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
    of_folder = datasets.load_dataset(str(table.parent), cache_dir=cache)
    assert of_files.num_rows == 60
    assert list(of_folder) == ["crops"]
    for rows in (of_files, of_folder["crops"]):
        assert isinstance(rows[0]["image"], Image.Image)
        assert key_of(np.asarray(rows[0]["image"])) == rows[0]["key"]
    assert front_matter(table.parent)["dataset_info"]["features"][0] == {"name": "image", "dtype": "image"}


def test_what_the_card_tells_to_type_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = write_table(tmp_path / "table")
    write_card(table, folder=table.parent, problem=PROBLEM, name="scripts", counts=COUNTS)
    told = (table.parent / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(table.parent)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    names: dict[str, Any] = {}
    exec(told, names)
    assert (len(names["crops"]), len(names["frame"])) == (60, 60)
    assert (len(names["train"]), names["table"].num_rows) == (40, 40)


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        table = write_table(tmp_path / name / "table")
        write_card(table, folder=table.parent, problem=PROBLEM, name="scripts", counts=COUNTS, seed=0)
        written.append([(table.parent / file).read_bytes() for file in ("README.md", "samples.png")])
    assert written[0] == written[1]


def test_the_sheet_shows_three_crops_of_each_cell(tmp_path: Path) -> None:
    table = write_table(tmp_path / "table")
    write_card(table, folder=table.parent, problem=PROBLEM, name="scripts", counts=COUNTS)
    first = pq.read_table(table / "part-000.parquet").to_pylist()
    pixels = np.asarray(Image.open(table.parent / "samples.png").convert("L"))
    shown = [row for row in first if row["script"] == "Grek" and row["font_style"] == "serif"][:4]
    crops = [np.asarray(Image.open(io.BytesIO(row["image"]["bytes"]))) for row in shown]
    assert [contains(pixels, crop) for crop in crops] == [True, True, True, False]


def contains(sheet: np.ndarray, crop: np.ndarray) -> bool:
    windows = np.lib.stride_tricks.sliding_window_view(sheet, crop.shape)
    return bool((windows == crop).all(axis=(2, 3)).any())


@pytest.mark.parametrize("problem", [FACES, ProblemSettings(target="pose", nuisances=[], group="person")])
def test_problems_with_the_group_as_nuisance_or_with_none(tmp_path: Path, problem: ProblemSettings) -> None:
    table = write_table(tmp_path / "table", problem, labels=("left", "up"))
    write_card(table, folder=table.parent, problem=problem, name="faces", counts={})
    card = (table.parent / "README.md").read_text(encoding="utf-8")
    assert "Rows by `pose`" in card
    assert "Zxxx` is a picture" not in card


def test_labels_cannot_break_the_card(tmp_path: Path) -> None:
    wild = ("<script>alert(1)</script>", "a|b\n# c", "`x` [y](z)" + "long" * 40)
    table = write_table(tmp_path / "table", labels=wild)
    write_card(table, folder=table.parent, problem=PROBLEM, name="scripts", counts=COUNTS)
    card = (table.parent / "README.md").read_text(encoding="utf-8")
    assert "<script>" not in card
    assert "\n# c" not in card
    assert "long" * 20 not in card
    assert plain("a|b") == "a\\|b"


def test_licences_are_those_of_the_families_that_drew(tmp_path: Path) -> None:
    table = tmp_path / "table"
    schema = crop_schema(PROBLEM, split=True)
    pixels = np.zeros((8, 24), np.uint8)
    row = dict.fromkeys(schema.names) | {"image": {"bytes": encode_png(pixels), "path": None}, "split": "train"}
    rows = [row | {"script": "Latn", "font_family": family} for family in ("one", "two", "new")]
    write_shards(table, [pa.Table.from_pylist(rows, schema=schema)])
    fonts = tmp_path / "fonts.parquet"
    pq.write_table(
        pa.table({"family": ["one", "two", "unused"], "licence": ["OFL-1.1", "OFL-1.1", "Apache-2.0"]}), fonts
    )
    write_card(table, folder=table.parent, problem=PROBLEM, name="scripts", counts={}, fonts=fonts)
    card = (table.parent / "README.md").read_text(encoding="utf-8")
    assert "| OFL-1.1 | 2 |" in card and "| unknown | 1 |" in card
    assert "Apache" not in card


def test_a_table_with_no_rows_has_a_card_too(tmp_path: Path) -> None:
    write_shards(tmp_path / "table", [crop_schema(PROBLEM, split=True).empty_table()])
    write_card(tmp_path / "table", folder=tmp_path, problem=PROBLEM, name="scripts", counts={})
    assert "| all | 0 |" in (tmp_path / "README.md").read_text(encoding="utf-8")
