"""What every mode and peer of the benchmark starts from."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.invariance import aims_of, common_start
from tasks.crop_table.png import encode_png
from tasks.crop_table.shards import crop_schema, write_shards
from tasks.train.model_folder import TRAINING_SCHEMA, read_training
from tests.tasks.crops.toysource import PROBLEM
from tests.tasks.toycrops import stripes


def test_a_fraction_of_the_texts_is_taken_with_all_their_crops(tmp_path):
    schema, rng = crop_schema(PROBLEM, split=True), np.random.default_rng(0)
    image = {"bytes": encode_png(stripes(rng, 0, True)), "path": None}
    texts = [f"word {number // 2}" for number in range(40)] + [None] * 20
    rows = [
        dict.fromkeys(schema.names) | {"image": image, "key": f"{number:064x}", "text": text, "split": "train"}
        for number, text in enumerate(texts)
    ]
    write_shards(tmp_path / "table", [pa.Table.from_pylist(rows, schema=schema)])
    last = tmp_path / "last"
    last.mkdir()
    for name in ("model.safetensors", "model.json"):
        (last / name).write_text(name, encoding="utf-8")
    training = pd.DataFrame({"key": [row["key"] for row in rows], "round": 0, "weights": None, "score": None})
    pq.write_table(pa.Table.from_pandas(training, TRAINING_SCHEMA, preserve_index=False), last / "training.parquet")

    start = common_start(last, tmp_path / "start", table=tmp_path / "table", share=0.5)
    kept = set(read_training(start)["key"])
    of_texts = [texts[int(key, 16)] for key in kept if texts[int(key, 16)] is not None]
    assert all(of_texts.count(text) == 2 for text in of_texts)
    assert 0.25 * 60 < len(kept) < 0.75 * 60
    assert (start / "model.json").read_text(encoding="utf-8") == "model.json"


def test_the_aims_are_read_at_light_degradation_on_unseen_designs():
    light = {"accuracy": 0.9, "worst_nuisance": 0.8, "worst_target": 0.7, "n": 3}
    chosen = {"name": "pairs", "test_unseen": {"light": light, "clean": {}}}
    found = aims_of(chosen, {"font_style": {"excess_points": 1.5}})
    assert found["test_unseen"] == {"accuracy": 0.9, "worst_nuisance": 0.8, "worst_target": 0.7}
    assert (found["name"], found["probe_excess_points"]) == ("pairs", 1.5)
    assert aims_of(chosen, {})["probe_excess_points"] is None
