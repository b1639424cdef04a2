"""SplitPredictions are recomputed from the networks, a crop at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from models.network import CropNet
from tasks.common.determinism import deterministic
from tasks.crop_table.shards import read_images
from tasks.evaluate import predictions as module
from tasks.evaluate.predictions import Model, calibrated, score_split
from tasks.metrics.calibration import fit_temperature
from tests.toyhome import LABELS, count_passes, make_toy_home, toy_params

PARAMS = toy_params()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("predictions"), params=PARAMS) / "table"


def model(seed, labels=LABELS):
    torch.manual_seed(seed)
    network = CropNet(PARAMS.network, labels=len(labels), height=PARAMS.crops.height, width=PARAMS.crops.width)
    return Model(network=network.eval(), labels=list(labels))


def answered(table, models, severities, batch=7, threads=1):
    with deterministic(threads):
        return score_split(
            models, table=table, split="test_unseen", labels=PARAMS.labels, severities=severities, batch=batch
        )


def test_p_text_is_what_the_unwritten_label_leaves(table):
    one = model(1)
    found = answered(table, {"one": one}, ["medium"]).of("one", "medium")
    pixels, rows = read_images(table, ["test_unseen"])
    for image, key in zip(pixels, rows["key"], strict=True):
        grey = torch.from_numpy(image)[None, None].float() / 255
        with torch.inference_mode():
            p = one.network(degrade(grey, seeds_of([key], 0), SEVERITIES["medium"])).softmax(1)[0]
        own = found[found["key"] == key].iloc[0]
        assert own["p_text"] == pytest.approx(float(p[0] + p[1]), abs=1e-5)
        assert (own["predicted"], own["p"]) == (LABELS[int(p.argmax())], pytest.approx(float(p.max()), abs=1e-5))


def test_a_model_without_the_unwritten_label_says_nothing_of_text(table):
    found = answered(table, {"poses": model(1, ["left", "right"])}, ["clean"]).of("poses", "clean")
    assert found["p_text"].isna().all() and found["p"].notna().all()


def test_each_model_is_asked_at_its_own_severities_once_for_the_same_weights(table, monkeypatch):
    first, second = model(1), model(2)
    calls, degraded = [], []
    count_passes(monkeypatch, calls)
    degrade_as_before = module.degrade
    monkeypatch.setattr(module, "degrade", lambda *given: degraded.append(given[2]) or degrade_as_before(*given))
    models = {"first": first, "second": second, "again": first}
    asked = {"first": ["clean", "light"], "second": ["light"], "again": ["light"]}
    found = answered(table, models, asked, batch=1000)
    assert set(found.scored) == {("first", "clean"), ("first", "light"), ("second", "light"), ("again", "light")}
    assert [call is second.network for call in calls].count(True) == 1 and len(calls) == 3
    assert len(degraded) == 2
    for name, severity in found.scored:
        alone = answered(table, {name: models[name]}, [severity])
        np.testing.assert_allclose(found.scored[name, severity].p_text, alone.scored[name, severity].p_text, rtol=1e-5)
        np.testing.assert_array_equal(found.scored[name, severity].indices, alone.scored[name, severity].indices)


def test_any_number_of_threads_gives_the_same_bytes(table):
    models = {"one": model(1), "two": model(2)}
    one, three = (answered(table, models, ["light", "scan"], batch=5, threads=threads) for threads in (1, 3))
    for key, alone in one.scored.items():
        assert [alone.p.tobytes(), alone.p_text.tobytes()] == [
            three.scored[key].p.tobytes(),
            three.scored[key].p_text.tobytes(),
        ]
        assert one.of(*key).equals(three.of(*key))


def test_p_has_the_model_s_temperature_asked_for_at_once_or_from_the_logits(table):
    cold = replace(model(1), temperature=0.4)
    asked = answered(table, {"one": cold}, ["light"]).of("one", "light")
    with deterministic(1):
        kept = score_split(
            {"one": model(1)},
            table=table,
            split="test_unseen",
            labels=PARAMS.labels,
            severities=["light"],
            batch=7,
            keep_logits=True,
        )
    logits = kept.scored["one", "light"].logits.astype(float)
    expected = np.exp(logits / 0.4).max(1) / np.exp(logits / 0.4).sum(1)
    later = kept.at_temperatures({"one": cold})
    np.testing.assert_allclose(later.scored["one", "light"].p, expected, rtol=1e-5)
    assert later.scored["one", "light"].logits is None
    assert later.of("one", "light").equals(asked) and (asked["p"] > asked["p_raw"]).all()


def validated(table, models):
    with deterministic(1):
        return score_split(
            models,
            table=table,
            split="validation",
            labels=PARAMS.labels,
            severities=["light"],
            batch=7,
            keep_logits=True,
        )


def test_the_same_weights_have_one_temperature_and_stay_one_model(table):
    one, two = model(1), model(2)
    models = {"one": one, "two": two, "again": one}
    scored = validated(table, models)
    found = calibrated(models, scored, "light")
    assert found["again"] is found["one"] and found["one"].network is one.network
    assert found["one"].temperature != 1
    with pytest.raises(ValueError, match="not kept"):
        calibrated(models, scored.at_temperatures(found), "light")


def test_the_temperature_is_that_of_the_labels_that_were_learned(table):
    one = model(1)
    scored = validated(table, {"one": one})
    first = LABELS[0]
    unlearned = replace(scored, rows=scored.rows.assign(true=scored.rows["true"].astype(str).replace(first, "Zzzz")))
    own = calibrated({"one": replace(one, labels=["Zzzz", *LABELS[1:]])}, unlearned, "light")["one"]
    learned = (scored.rows["true"] != first).to_numpy()
    logits = scored.scored["one", "light"].logits
    assert own.temperature == fit_temperature(logits[learned], scored.rows["true"][learned].to_numpy(), LABELS)
    assert own.temperature != fit_temperature(logits, scored.rows["true"].to_numpy(), LABELS)
