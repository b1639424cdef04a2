"""People are held out whole, each once, and the gain is that of the mode that validation chose."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.faces import gain_of, means_of, rotated
from tasks.common.params import ProblemSettings
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.shards import crop_schema, read_rows, write_shards

PROBLEM = ProblemSettings(target="pose", nuisances=["person"], group="person", source="own")
PEOPLE = [f"person-{number:02d}" for number in range(10)]


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    schema, rows = crop_schema(PROBLEM, split=True), []
    for person in PEOPLE:
        for pose in ("left", "right", "left", "right"):
            pixels = rng.integers(0, 256, (8, 8)).astype(np.uint8)
            image = {"bytes": encode_png(pixels), "path": None}
            labels = {"pose": pose, "person": person, "key": key_of(pixels), "split": "train"}
            rows.append(dict.fromkeys(schema.names) | {"image": image} | labels)
    write_shards(tmp_path / "table", [pa.Table.from_pylist(rows, schema=schema)])
    return tmp_path / "table"


def test_every_person_is_tested_once_and_never_learned_from(table, tmp_path):
    tested = []
    for turn in range(5):
        rows = read_rows(rotated(table, tmp_path / str(turn), turn, 5))
        assert len(rows) == 40
        by_split = {split: set(own["person"]) for split, own in rows.groupby("split")}
        held_out = by_split["test_unseen"] | by_split["validation"]
        assert len(by_split["validation"]) == 3 and len(held_out) == 5
        assert not held_out & set(rows[rows["split"].isin(["train", "pool", "test_seen"])]["person"])
        tested += sorted(by_split["test_unseen"])
    assert sorted(tested) == PEOPLE


def test_the_gain_is_that_of_the_mode_with_the_highest_validation_accuracy():
    rows = [
        {"model": model, "split": split, "severity": "light", "accuracy": accuracy, "rotation": rotation, "seed": 0}
        for model, validation, tests in (("erm", 0.9, (0.5, 0.6)), ("pairs", 0.8, (0.7, 0.8)), ("coral", 0.7, (1, 1)))
        for rotation, test in enumerate(tests)
        for split, accuracy in (("validation", validation), ("test_unseen", test))
    ]
    found = gain_of(pd.DataFrame(rows), ["erm", "pairs", "coral"])
    assert (found["chosen"], found["gain_points"]) == ("pairs", 20.0)
    assert found["by_rotation"] == {0: 20.0, 1: 20.0}


def test_one_seed_has_no_deviation():
    rows = [
        {"model": "erm", "split": "validation", "severity": "light", "accuracy": accuracy, "rotation": turn, "seed": 0}
        for turn, accuracy in enumerate((0.5, 0.7))
    ]
    found = means_of(pd.DataFrame(rows))["validation"]["light"]["erm"]
    assert found == {"mean": 0.6, "deviation_over_rotations": 0.1414, "deviation_over_seeds": None}
