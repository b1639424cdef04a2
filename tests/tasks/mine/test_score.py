"""Scoring: the same scores as another computation's, and the same bytes whoever scores, however often interrupted."""

import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from models.degrade import SEVERITIES, degrade, seeds_of
from tasks.common.parallel import spread
from tasks.crop_table.png import encode_png
from tasks.crop_table.shards import read_images, read_table, write_shards
from tasks.mine.score import score_pool
from tasks.mine.score_part import Part, decode_crops
from tasks.mine.score_table import read_scores, score_labels, score_schema, write_scores
from tasks.train.card import weights_of
from tasks.train.weights import load_model, new_network, save_model
from tests.conftest import ROOT
from tests.tasks.toycrops import HEIGHT, WIDTH, make_toy_table
from unfont.errors import UserError

CARD = {
    "target": "script",
    "labels": ["Grek", "Latn", "Zxxx"],  # not Hebr: the table knows a label that the model does not
    "height": HEIGHT,
    "width": WIDTH,
    "network": {"channels": [4, 8], "downsampling": 2, "embedding": 8, "dropout": 0.1},
}
POOL = 120


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of 90 crops in row groups of 25: none ends where the pool begins or ends."""
    folder = tmp_path_factory.mktemp("score")
    return in_shards(folder / "table", read_table(make_toy_table(folder / "whole")))


def in_shards(folder: Path, rows: pa.Table) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.crop_table.shards.ROW_GROUP", 25)
        write_shards(folder, [rows], rows=90)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "0")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool is cut into five parts."""
    monkeypatch.setattr("tasks.mine.score.SMALLEST", 28)


def make_model(folder: Path, *, seed: int = 0, **card: Any) -> Path:
    torch.manual_seed(seed)
    save_model(folder, new_network({**CARD, **card}), {**CARD, **card})
    return folder


def score(model: Path, table: Path, folder: Path, **options: Any) -> int:
    """Score into `folder`, in this process unless told otherwise."""
    known = {"severity": "clean", "nuisance": "font_style", "fan_out": map, "progress": lambda line: None}
    places = {"table": table, "out": folder / "scores.parquet", "work": folder / "work"}
    return score_pool(model, **places, **{**known, **options})


def scores_of(model: Path, folder: Path, **options: Any) -> Any:
    return read_scores(folder / "scores.parquet", weights=weights_of(model), **options)


@pytest.mark.parametrize("severity", ["clean", "light"])
def test_scores_are_the_models_probabilities(severity: str, model: Path, table: Path, tmp_path: Path) -> None:
    assert score(model, table, tmp_path, severity=severity) == POOL
    scores = scores_of(model, tmp_path)

    network, _ = load_model(model)
    pixels, rows = read_images(table, ["pool"])
    images = torch.from_numpy(pixels)[:, None] / 255
    images = degrade(images, seeds_of(rows["key"].tolist(), 0), SEVERITIES[severity])
    with torch.inference_mode():
        logits, features = network(images).double().numpy(), network.embed(images).numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert scores["key"].tolist() == rows["key"].tolist()
    for row, (_, given) in enumerate(scores.iterrows()):
        p, true = dict(zip(CARD["labels"], probabilities[row], strict=True)), rows["script"][row]
        assert given["true"] == true
        assert given["predicted"] == max(p, key=p.get)
        assert given["p"] == pytest.approx(max(p.values()), abs=1e-5)
        assert given["probabilities"] == pytest.approx(list(p.values()), abs=1e-3)
        own = p.pop(true, 0)
        assert given["p_true"] == pytest.approx(own, abs=1e-5)
        assert given["margin"] == pytest.approx(own - max(p.values()), abs=1e-5)
        if own:
            assert given["loss"] == pytest.approx(-np.log(own), abs=1e-4)
        if given["predicted"] == true:
            assert given["embedding"] is None
        else:
            assert given["embedding"] == pytest.approx(features[row], abs=1e-2)


def test_the_nuisance_of_a_crop_with_no_text_is_its_kind(model: Path, table: Path, tmp_path: Path) -> None:
    score(model, table, tmp_path)
    rows = scores_of(model, tmp_path, columns=["key", "true", "nuisance"])
    wanted = read_table(table, ["key", "font_style"]).to_pandas().set_index("key")["font_style"]
    text, background = rows[rows["true"] != "Zxxx"], rows[rows["true"] == "Zxxx"]
    assert text["nuisance"].tolist() == wanted[text["key"]].tolist()
    assert set(background["nuisance"]) == {"noise"}
    score(model, table, tmp_path, nuisance=None)
    rows = scores_of(model, tmp_path)
    assert rows.loc[rows["true"] != "Zxxx", "nuisance"].isna().all()


@pytest.mark.parametrize(
    ("runner", "workers"), [("threads", 2), ("threads", 5), pytest.param("processes", 2, marks=pytest.mark.slow)]
)
def test_the_bytes_are_the_same_whoever_scores(
    runner: str, workers: int, model: Path, table: Path, tmp_path: Path
) -> None:
    alone, spread_out = tmp_path / "alone", tmp_path / "spread"
    score(model, table, alone, severity="light")
    score(model, table, spread_out, severity="light", fan_out=partial(spread, runner=runner, workers=workers))
    assert bytes_of(alone) == bytes_of(spread_out)


def test_threads_leave_torch_as_it_was(model: Path, table: Path, tmp_path: Path) -> None:
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    score(model, table, tmp_path, fan_out=partial(spread, runner="threads", workers=3))
    assert before == (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())


def test_only_what_is_missing_is_scored_again(model: Path, table: Path, tmp_path: Path) -> None:
    score(model, table, tmp_path)
    first, parts = bytes_of(tmp_path), sorted((tmp_path / "work").iterdir())
    assert len(parts) == 5
    parts[1].unlink()
    parts[3].write_bytes(parts[3].read_bytes()[:100])
    said: list[str] = []
    assert scored_again(model, table, tmp_path, progress=said.append) == [1, 3]
    assert bytes_of(tmp_path) == first
    assert said[0] == "64 of 120 crops are scored already"


@pytest.mark.parametrize("change", ["weights", "severity", "nuisance", "table"])
def test_parts_of_something_else_are_scored_anew(change: str, model: Path, table: Path, tmp_path: Path) -> None:
    other = {"severity": "clean", "nuisance": "font_style", "model": model, "table": table}
    if change == "weights":
        other["model"] = make_model(tmp_path / "other", seed=1)
    elif change == "table":
        rows = read_table(table)
        keys = pa.array([key.upper() for key in rows["key"].to_pylist()])
        renamed = rows.set_column(rows.schema.get_field_index("key"), "key", keys)
        other["table"] = in_shards(tmp_path / "table", renamed)
    else:
        other[change] = {"severity": "light", "nuisance": None}[change]
    score(model, table, tmp_path)
    assert scored_again(folder=tmp_path, **other) == [0, 1, 2, 3, 4]
    score(folder=tmp_path / "fresh", **other)
    assert bytes_of(tmp_path) == bytes_of(tmp_path / "fresh")


def scored_again(model: Path, table: Path, folder: Path, **options: Any) -> list[int]:
    """The numbers of the parts that are worked on."""
    numbers: list[int] = []

    def watched(work: Callable[[Part], int], items: Sequence[Part]) -> Iterator[int]:
        numbers.extend(part.number for part in items)
        return map(work, items)

    score(model, table, folder, fan_out=watched, **options)
    return numbers


def test_a_lost_worker_costs_nothing_but_time(model: Path, table: Path, tmp_path: Path) -> None:
    whole, lossy = tmp_path / "whole", tmp_path / "lossy"
    score(model, table, whole)

    def losing(work: Callable[[Part], int], items: Sequence[Part]) -> Iterator[int]:
        return spread(partial(die_once, work=work, folder=tmp_path), items, runner="processes", workers=2)

    assert score(model, table, lossy, fan_out=losing) == POOL
    assert (tmp_path / "dead").exists()
    assert bytes_of(lossy) == bytes_of(whole)


def die_once(part: Part, *, work: Callable[[Part], int], folder: Path) -> int:
    """Score a part, but the worker that is first to have the third dies of it."""
    if part.number == 2 and not (folder / "dead").exists():
        (folder / "dead").touch()
        os._exit(1)
    return work(part)


def test_scoring_that_was_killed_goes_on_to_the_same_bytes(model: Path, table: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    score(model, table, whole)
    script = (
        "from pathlib import Path; import tasks.mine.score, tests.tasks.mine.test_score as t;"
        " tasks.mine.score.SMALLEST = 28;"
        f" t.score(Path({str(model)!r}), Path({str(table)!r}), Path({str(killed)!r}), fan_out=t.killed_after_two)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (killed / "scores.parquet").exists()
    assert scored_again(model, table, killed) == [2, 3, 4]
    assert bytes_of(killed) == bytes_of(whole)


def killed_after_two(work: Callable[[Part], int], items: Sequence[Part]) -> Iterator[int]:
    """The whole process is killed before the third part."""
    for number, part in enumerate(items):
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        yield work(part)


def test_it_says_rate_and_time_left(model: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.mine.score.REPORT_EVERY", 0)
    said: list[str] = []
    score(model, table, tmp_path, progress=said.append)
    assert [line.split(";")[0] for line in said] == [f"scored {done} of 120 crops" for done in (28, 56, 84, 112, 120)]
    assert all("crops/s" in line and line.endswith("s left") for line in said)


@pytest.mark.parametrize("most", [7, 28, 64])
def test_the_parts_hold_every_crop_of_the_split_once_in_order(
    most: int, model: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.mine.score.PART_ROWS", most)
    monkeypatch.setattr("tasks.mine.score.PARTS", 1)
    score(model, table, tmp_path, split="train")
    keys = read_images(table, ["train"])[1]["key"].tolist()
    assert scores_of(model, tmp_path)["key"].tolist() == keys
    sizes = [pq.read_metadata(path).num_rows for path in sorted((tmp_path / "work").iterdir())]
    assert len(keys) == 160
    assert sizes == [most] * (160 // most) + ([160 % most] if 160 % most else [])


def test_a_split_without_crops_is_told(model: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no crops of split 'own'.*give the own some crops"):
        score(model, table, tmp_path, split="own")
    assert not (tmp_path / "scores.parquet").exists()


def test_a_missing_table_is_told(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no crop table"):
        score(model, tmp_path / "none", tmp_path)


def test_a_broken_table_is_told(model: Path, table: Path, tmp_path: Path) -> None:
    shutil.copytree(table, tmp_path / "table")
    (tmp_path / "table" / "part-001.parquet").write_bytes(b"PAR1 no more PAR1")
    with pytest.raises(UserError, match=r"cannot be read .*part-001"):
        score(model, tmp_path / "table", tmp_path)


def test_a_table_of_another_problem_is_told(table: Path, tmp_path: Path) -> None:
    faces = make_model(tmp_path / "faces", target="pose")
    with pytest.raises(UserError, match="no column pose"):
        score(faces, table, tmp_path)


def test_a_model_of_another_size_is_refused(table: Path, tmp_path: Path) -> None:
    larger = make_model(tmp_path / "larger", height=2 * HEIGHT)
    with pytest.raises(UserError, match=r"reads crops that are 48x32, the table's are 48x16 .*larger"):
        score(larger, table, tmp_path)
    assert not (tmp_path / "scores.parquet").exists()


def test_a_grey_model_refuses_a_table_in_colour(model: Path, tmp_path: Path) -> None:
    rows = read_table(make_toy_table(tmp_path / "grey"))
    coloured = encode_png(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    images = pa.array([{"bytes": coloured, "path": None}] * len(rows), rows.schema.field("image").type)
    write_shards(tmp_path / "table", [rows.set_column(0, "image", images)])
    with pytest.raises(UserError, match="reads crops that are grey, the table's are in colour"):
        score(model, tmp_path / "table", tmp_path)
    three = make_model(tmp_path / "three", channels=3)
    assert score(three, tmp_path / "table", tmp_path) == POOL
    assert score(three, tmp_path / "grey", tmp_path) == POOL


def test_crops_are_decoded_as_pillow_decodes_them() -> None:
    rng = np.random.default_rng(0)
    grey, colour = rng.integers(0, 256, (5, 6, 9)).astype(np.uint8), rng.integers(0, 256, (5, 6, 9, 3)).astype(np.uint8)
    assert np.array_equal(decode_crops([encode_png(crop) for crop in grey]), grey)
    assert np.array_equal(decode_crops([encode_png(crop) for crop in colour]), colour)
    mixed = decode_crops([encode_png(grey[0]), encode_png(colour[1])])
    assert np.array_equal(mixed, np.stack([np.stack([grey[0]] * 3, axis=2), colour[1]]))
    assert np.array_equal(decode_crops([encode_png(grey[0]), by_pillow(grey[1])]), grey[:2])


def by_pillow(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_scores_of_another_model_are_refused(model: Path, table: Path, tmp_path: Path) -> None:
    score(model, table, tmp_path)
    assert len(scores_of(model, tmp_path)) == POOL
    with pytest.raises(UserError, match="another model"):
        read_scores(tmp_path / "scores.parquet", weights="abd")


def test_wrong_rows_some_keys_and_some_columns_can_be_read(model: Path, table: Path, tmp_path: Path) -> None:
    score(model, table, tmp_path)
    every = scores_of(model, tmp_path)
    wrong = every[every["predicted"] != every["true"]]
    assert 0 < len(wrong) < POOL
    assert scores_of(model, tmp_path, wrong=True)["key"].tolist() == wrong["key"].tolist()
    found = scores_of(model, tmp_path, wrong=True, columns=["p", "embedding"])
    assert found.columns.tolist() == ["p", "embedding"]
    assert found["p"].tolist() == wrong["p"].tolist()
    some = every["key"].tolist()[40:50]
    assert scores_of(model, tmp_path, keys=some, columns=["key"])["key"].tolist() == some
    assert scores_of(model, tmp_path, keys=[]).columns.tolist() == every.columns.tolist()
    assert score_labels(tmp_path / "scores.parquet") == CARD["labels"]


@pytest.mark.parametrize("content", [None, b"", b"PAR1 no more PAR1"])
def test_a_score_table_that_cannot_be_read_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "scores.parquet"
    if content is not None:
        path.write_bytes(content)
    for reading in (partial(read_scores, weights="w"), score_labels):
        with pytest.raises(UserError, match="no scores" if content is None else "cannot be read"):
            reading(path)


def test_tables_are_written_one_by_one(tmp_path: Path) -> None:
    schema = score_schema(["Grek", "Latn"], weights="w", severity="clean")
    rows, held = 5_000, []

    def tables() -> Iterator[pa.Table]:
        for number in range(40):
            held.append(pa.total_allocated_bytes())
            probabilities = np.random.default_rng(number).random(rows).astype(np.float32)
            halves = pa.array(np.zeros(2 * rows, np.float16))
            values = {name: pa.array(probabilities) for name in ("p", "p_true", "margin", "loss")}
            values |= {name: pa.array([f"{number}"] * rows) for name in ("key", "predicted", "true", "nuisance")}
            values["probabilities"] = pa.FixedSizeListArray.from_arrays(halves, 2)
            values["embedding"] = pa.nulls(rows, schema.field("embedding").type)
            yield pa.table([values[name] for name in schema.names], schema=schema)

    write_scores(tmp_path / "scores.parquet", tables(), schema)
    one = pq.read_table(tmp_path / "scores.parquet").nbytes / 40
    assert max(held) - held[0] < 4 * one
    assert pq.read_metadata(tmp_path / "scores.parquet").num_rows == 40 * rows


def test_a_model_that_changed_in_the_meantime_is_told(table: Path, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")

    def changed(work: Callable[[Part], int], items: Sequence[Part]) -> Iterator[int]:
        make_model(model, seed=1)
        return map(work, items)

    with pytest.raises(UserError, match="changed while it scored"):
        score(model, table, tmp_path, fan_out=changed)


def bytes_of(folder: Path) -> bytes:
    return (folder / "scores.parquet").read_bytes()
