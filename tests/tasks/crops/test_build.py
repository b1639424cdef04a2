"""The crop table of a problem: drawn crops, the user's own, or both."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tasks.common.parallel import FanOut, spread
from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import read_rows
from tasks.images.import_images import bring_pictures
from tests.toytables import SCRIPTS, bytes_in, make_toy_crops, make_toy_tables
from unfont.errors import UserError

FACES = ProblemSettings(target="pose", nuisances=["person"], group="person", source="own", pattern="{person}_{pose}.*")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_toy_tables(tmp_path_factory.mktemp("tables"))


def by(runner: str) -> FanOut:
    return partial(spread, runner=runner, workers=2)


@pytest.fixture(scope="module")
def drawn(tables: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one thread drew after the other."""
    home = tmp_path_factory.mktemp("drawn")
    make_toy_crops(tables, home, SCRIPTS, map)
    return home / "crops"


@pytest.mark.parametrize("runner", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_bytes_are_the_same_whichever_runner_drew(
    runner: str, tables: dict[str, Path], drawn: Path, tmp_path: Path
) -> None:
    make_toy_crops(tables, tmp_path, SCRIPTS, by(runner))
    assert bytes_in(tmp_path / "crops") == bytes_in(drawn)


class DieOnce:
    """Work whose first worker dies of it."""

    def __init__(self, work: partial, marker: Path) -> None:
        self.work, self.marker = work, marker

    def __call__(self, item: object) -> object:
        if not self.marker.exists():
            self.marker.touch()
            os._exit(1)
        return self.work(item)


@pytest.mark.slow
def test_bytes_are_the_same_where_a_worker_was_lost(tables: dict[str, Path], drawn: Path, tmp_path: Path) -> None:
    def losing_one(work: partial, items: list) -> Iterator:
        return by("processes")(DieOnce(work, tmp_path / "dead"), items)

    make_toy_crops(tables, tmp_path, SCRIPTS, losing_one)
    assert (tmp_path / "dead").exists()
    assert bytes_in(tmp_path / "crops") == bytes_in(drawn)


def test_drawn_crops_are_counted_and_scratch_is_gone(tables: dict[str, Path], tmp_path: Path) -> None:
    counts = make_toy_crops(tables, tmp_path, SCRIPTS, map)
    rows = read_rows(tmp_path / "crops")
    assert counts["crops"] == len(rows) == 3 * 30
    assert set(rows["origin"]) == {"rendered"} and not (tmp_path / "work").exists()
    assert pq.read_table(tmp_path / "crops" / "rejected.parquet").num_rows == 0
    assert "rejected" not in counts


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 40), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def test_own_pictures_need_no_fonts(tmp_path: Path) -> None:
    for number, name in enumerate(("an_left.png", "an_right.png", "bo_left.png")):
        picture(tmp_path / "given" / name, number)
    (tmp_path / "given" / "bo_right.png").write_bytes(b"no picture")
    bring_pictures(tmp_path / "given", problem=FACES, out=tmp_path / "pictures")
    nothing = {"fonts": tmp_path / "none", "words": tmp_path / "none"}
    counts = make_toy_crops(nothing, tmp_path, FACES, map)
    assert counts == {"crops": 3, "rejected": 1}
    rows = read_rows(tmp_path / "crops")
    assert sorted(zip(rows["person"], rows["pose"], strict=True)) == [("an", "left"), ("an", "right"), ("bo", "left")]
    rejected = pq.read_table(tmp_path / "crops" / "rejected.parquet").to_pylist()
    assert [row["path"] for row in rejected] == ["bo_right.png"] and rejected[0]["reason"]


def test_own_crops_follow_drawn_ones(tables: dict[str, Path], drawn: Path, tmp_path: Path) -> None:
    both = SCRIPTS.model_copy(update={"source": "both", "pattern": "{script}/{font_style}/*"})
    for number in range(4):
        picture(tmp_path / "given" / "Latn" / "serif" / f"{number}.png", number)
    bring_pictures(tmp_path / "given", problem=both, out=tmp_path / "pictures")
    counts = make_toy_crops(tables, tmp_path, both, map)
    rows = read_rows(tmp_path / "crops")
    assert rows["origin"].tolist() == ["rendered"] * 90 + ["user"] * 4
    assert rows["key"].tolist()[:90] == read_rows(drawn)["key"].tolist()
    assert rows["planned"][90:].isna().all() and set(rows["font_style"][90:]) == {"serif"}
    assert (counts["crops"], counts["rejected"]) == (94, 0)


def test_a_failure_leaves_the_old_table(tables: dict[str, Path], tmp_path: Path) -> None:
    make_toy_crops(tables, tmp_path, SCRIPTS, map)
    before = bytes_in(tmp_path / "crops")
    closed = []

    def fails(work: partial, items: list) -> Iterator:
        try:
            yield work(items[0])
            raise UserError("no more", where="here", fix="stop")
        finally:
            closed.append(True)

    with pytest.raises(UserError, match="no more"):
        make_toy_crops(tables, tmp_path, SCRIPTS, fails)
    assert bytes_in(tmp_path / "crops") == before and closed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops", "work"]
