"""The probe of toy models on a toy table, through the real code: what it writes, and what it says of nothing."""

import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tasks.common.determinism import deterministic
from tasks.common.files import read_json
from tasks.crop_table.shards import read_images
from tasks.probe import features
from tasks.probe import probe as probing
from tasks.probe.features import read_features, sample_rows
from tasks.probe.probe import probe_models
from tasks.train.weights import load_model
from tests.toyhome import make_toy_home, toy_params
from unfont.errors import UserError

MODELS = ["rounds/0", "rounds/1", "rounds/2", "invariance/erm", "invariance/conditional+pairs"]


@pytest.fixture(scope="module")
def params():
    params = toy_params()
    return params.model_copy(update={"probe": params.probe.model_copy(update={"epochs": 2, "decays": [0.1, 0.001]})})


@pytest.fixture(scope="module")
def made(tmp_path_factory, params):
    return make_toy_home(tmp_path_factory.mktemp("probed"), params=params)


@pytest.fixture
def home(made, tmp_path):
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def models_in(home):
    names = ["round-0", "round-1", "round-2", "erm", "conditional+pairs"]
    return dict(zip(names, (home / path for path in MODELS), strict=True))


def probed(params, home, **replicas):
    summary = probe_models(params, home=home, models=models_in(home), replicas=replicas, out=home / "probe.json")
    return summary, read_json(home / "probe.json")


def change_rows(home, change) -> None:
    """Write the table anew with its columns changed: `change` is given the row's labels as a frame."""
    (path,) = (home / "table").glob("part-*.parquet")
    table = pq.read_table(path)
    frame = change(table.drop_columns(["image"]).to_pandas().astype(object))
    for name in frame.columns:
        place, field = table.schema.get_field_index(name), table.schema.field(name)
        table = table.set_column(place, field, pa.array(frame[name].tolist(), field.type, from_pandas=True))
    pq.write_table(table, path)


def test_every_model_and_layer_is_probed_on_both_test_splits(params, home):
    summary, found = probed(params, home)
    of = found["nuisances"]["font_style"]
    # Of 24 text crops a script two scripts, and every fifth of the 48 is held out.
    assert of["n"] == {"fit": 38, "held_out": 10, "validation": 16, "test_seen": 16, "test_unseen": 24}
    assert (of["why"], of["labels"]) == (None, 3)
    assert set(of["models"]) == set(models_in(home))
    layers = {"backbone.0", "backbone.1", "embedding", "target_head"}
    for metrics in (*of["models"].values(), of["untrained"]):
        assert set(metrics) == {"test_seen", "test_unseen", "layers"} and set(metrics["layers"]) == layers
        assert metrics["layers"]["embedding"]["test_unseen"] == metrics["test_unseen"]
        for split in ("test_seen", "test_unseen"):
            each = metrics[split]
            uninformed = max(each["chance"], of["guess"][split])
            assert each["excess_points"] == pytest.approx(max(0, 100 * (each[each["best"]] - uninformed)), abs=1e-3)
            assert 0 <= each["low"] <= each["high"]
            assert summary["font_style.test_unseen.erm"] == of["models"]["erm"]["test_unseen"]["excess_points"]
    assert set(of["pixels"]) == {"test_seen", "test_unseen"}


@pytest.mark.parametrize("points", [4.9, 5.0])
def test_an_excess_is_claimed_where_erm_reads_five_points(params, home, monkeypatch, points):
    metrics = {"linear": 0.5, "mlp": 0.5, "best": "linear", "excess_points": points, "low": 1.0, "high": 9.0}
    monkeypatch.setattr(probing, "_metrics", lambda *_: dict.fromkeys(["test_seen", "test_unseen"], metrics))
    summary, found = probed(params, home)
    claimed = [points, 1.0, 9.0] if points == 5 else [None] * 3
    reads = points == 5
    of = dict(zip(["excess_points", "low", "high"], claimed, strict=True))
    assert found["chosen"] == {
        "name": "conditional+pairs",
        "font_style": {"split": "test_unseen", "reads": reads, **of},
    }
    assert summary.get("chosen.font_style") == claimed[0]


def test_the_same_bytes_twice(params, home):
    models = {"conditional+pairs": home / "invariance/conditional+pairs"}
    for name in ("first.json", "second.json"):
        probe_models(params, home=home, models=models, replicas={}, out=home / name)
    assert (home / "first.json").read_bytes() == (home / "second.json").read_bytes()


def test_replicas_of_a_study_give_the_spread_over_seeds(params, home):
    homoglyph, other, control = (home / name for name in ("homoglyph", "other", "control"))
    for source, folder in (("invariance/erm", homoglyph), ("rounds/0", other), ("rounds/1", control)):
        shutil.copytree(home / source, folder)
    named = {"erm/seed-1": homoglyph, "erm/seed-2": other, "round-1/control-0": control}
    _, found = probed(params, home, **named)
    of = found["nuisances"]["font_style"]
    assert "layers" not in of["models"]["erm/seed-2"]
    assert set(of["seeds"]) == {"erm"}
    values = [of["models"][name]["test_seen"]["excess_points"] for name in ("erm", "erm/seed-1", "erm/seed-2")]
    assert values[0] == values[1]
    spread = of["seeds"]["erm"]["test_seen"]
    assert spread == {"values": values, "mean": pytest.approx(np.mean(values)), "spread": np.std(values, ddof=1)}


def test_without_a_nuisance_label_there_are_nulls_and_a_reason(params, home):
    change_rows(home, lambda rows: rows.assign(font_style=None))
    summary, found = probed(params, home)
    assert summary == {}
    assert "two to tell apart" in found["nuisances"]["font_style"]["why"]
    nothing = {"split": "test_unseen", "reads": None, "excess_points": None, "low": None, "high": None}
    assert found["chosen"] == {"name": "conditional+pairs", "font_style": nothing}


def test_a_problem_whose_only_nuisance_is_no_column_has_nothing_to_probe(params, home):
    problem = params.labels.model_copy(update={"nuisances": ["colour"]})
    summary, found = probed(params.model_copy(update={"problems": {params.problem: problem}}), home)
    assert (summary, found["nuisances"], found["chosen"]) == ({}, {}, {"name": "conditional+pairs"})


def test_without_test_crops_there_are_nulls(params, home):
    change_rows(home, lambda rows: rows.assign(split=rows["split"].replace("test_unseen", "pool")))
    summary, found = probed(params, home)
    of = found["nuisances"]["font_style"]
    assert of["guess"]["test_unseen"] is None and of["models"]["erm"]["test_unseen"] is None
    assert of["reads"]["test_unseen"] is None and found["chosen"]["font_style"]["excess_points"] is None
    assert "font_style.test_seen.erm" in summary


def test_without_a_choice_and_without_erm_the_figures_stand_alone(params, home):
    (home / "chosen.json").unlink()
    models = {"round-0": home / "rounds/0"}
    probe_models(params, home=home, models=models, replicas={}, out=home / "probe.json")
    found = read_json(home / "probe.json")
    assert found["chosen"] is None
    assert found["nuisances"]["font_style"]["reads"] == {"test_seen": None, "test_unseen": None}


def test_a_choice_of_another_model_is_refused(params, home):
    models = {"round-0": home / "rounds/0"}
    with pytest.raises(UserError, match="pairs"):
        probe_models(params, home=home, models=models, replicas={}, out=home / "probe.json")
    assert not (home / "probe.json").exists()


def test_text_crops_of_the_smallest_keys_are_taken(params, home):
    change_rows(home, lambda rows: rows.assign(ambiguous=rows["text"] == "word <3>"))
    rows = sample_rows(home / "table", params.labels, {"train": 7, "test_seen": 100})
    table = pd.concat(pq.read_table(path).drop_columns(["image"]).to_pandas() for path in home.glob("table/*.parquet"))
    text = table[(table["script"] != "Zxxx") & (table["text"] != "word <3>")]
    keys = {split: sorted(part["key"]) for split, part in text.groupby("split", observed=True)}
    assert sorted(rows["key"]) == sorted([*keys["train"][:7], *keys["test_seen"]])


def test_features_are_the_pooled_outputs_of_each_layer(params, home):
    network, _ = load_model(home / "rounds/0")
    rows = sample_rows(home / "table", params.labels, {"train": 9, "test_seen": 4})
    with deterministic(1):
        found = read_features(
            {"a": network, "b": network}, table=home / "table", rows=rows, severity="clean", whole=["b"]
        )
    assert set(found) == {"a", "b", "pixels"} and found["a"] is found["b"]
    pixels, facts = read_images(home / "table", keys=rows["key"])
    order = facts.reset_index().set_index("key").loc[rows["key"], "index"].to_numpy()
    images = torch.from_numpy(pixels[order])[:, None].float() / 255
    with torch.no_grad():
        maps = network.backbone(network.standardise(images))
        assert torch.allclose(found["a"]["embedding"], network.embed(images), atol=1e-5)
        assert torch.allclose(found["a"]["backbone.1"], torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1), atol=1e-5)
        grid = network.standardise(images)[:, 0].reshape(len(images), 16, 1, 32, 2).mean((2, 4))
    assert torch.allclose(found["pixels"]["pixels"], grid.flatten(1), atol=1e-5)
    assert not any(module._forward_hooks for module in network.modules())


def test_any_number_of_threads_gives_the_same_features(params, home, monkeypatch):
    monkeypatch.setattr(features, "FORWARD_BATCH", 4)
    network, _ = load_model(home / "rounds/0")
    rows = sample_rows(home / "table", params.labels, {"train": 9, "test_seen": 4})
    found = []
    for threads in (1, 3):
        with deterministic(threads):
            given = {"table": home / "table", "rows": rows, "severity": "light"}
            found.append(read_features({"a": network}, whole=["a"], **given))
    alone, shared = found
    assert set(alone["a"]) == set(shared["a"]) and len(shared["a"]["embedding"]) == len(rows) > 8
    assert all(torch.equal(alone[name][layer], shared[name][layer]) for name in alone for layer in alone[name])


def test_crops_of_another_size_are_refused(params, home):
    other = params.model_copy(update={"crops": params.crops.model_copy(update={"height": 32})})
    shutil.rmtree(home / "rounds/0")
    shutil.copytree(make_toy_home(home / "larger", params=other) / "rounds/0", home / "rounds/0")
    with pytest.raises(UserError, match="but round-0 reads"):
        probed(params, home)
