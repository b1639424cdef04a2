"""Toy models on a toy table through the real code; figures are recomputed from the predictions."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from flows.evaluate import models_of, replicas_of_study
from models.degrade import SEVERITIES, degrade, seeds_of
from tasks import answers
from tasks.errors import UserError
from tasks.evaluate import evaluate_models
from tasks.files import read_json, sha256_of
from tasks.table import read_images, read_rows
from tasks.weights import load_model, save_model
from tests.toyhome import make_toy_home, toy_params

SPLITS = ["validation", "test_seen", "test_unseen"]
WRITTEN = ["chosen.json", "metrics/evaluate.json", "metrics/study.json", "predictions.parquet"]


@pytest.fixture(scope="module")
def params():
    return toy_params()


# The trainings of a study with two seeds and a control, beside the rounds' own.
STUDY = {"round-0/mined-1": "rounds/0/study/mined-1"} | {
    f"round-{number}/{name}": f"rounds/{number}/study/{name}"
    for number in (1, 2)
    for name in ("mined-1", "control-0", "control-1")
}


def models_in(home):
    return {
        "round-0": home / "rounds/0",
        "round-1": home / "rounds/1",
        "round-2": home / "rounds/2",
        "erm": home / "invariance/erm",
    }


def run(params, home, replicas=None, **models):
    return evaluate_models(
        params,
        table=home / "table",
        models=models_in(home) | models,
        replicas=replicas or {},
        chosen=home / "chosen.json",
        metrics=home / "metrics" / "evaluate.json",
        study=home / "metrics" / "study.json",
        predictions=home / "predictions.parquet",
    )


def says(folder, label, by=1000):
    """Make the model in `folder` give `label` to every crop."""
    network, card = load_model(folder)
    with torch.no_grad():
        network.target_head.bias[card["labels"].index(label)] += by
    save_model(folder, network, card)


@pytest.fixture(scope="module")
def home(tmp_path_factory, params):
    """An evaluated home."""
    folder = tmp_path_factory.mktemp("evaluated")
    home = make_toy_home(folder, params=params)
    for name in WRITTEN:
        (home / name).unlink()
    # round-0 says that nothing is text; the others that all is Latn: right for half of the text.
    says(home / "rounds/0", "Zxxx")
    for path in ("rounds/1", "rounds/2", "invariance/erm"):
        says(home / path, "Latn")
    run(params, home)
    return home


@pytest.fixture
def copy(home, tmp_path):
    shutil.copytree(home, tmp_path / "home")
    return tmp_path / "home"


def test_every_model_is_measured_on_every_split_at_every_severity(home):
    models = read_json(home / "metrics/evaluate.json")["models"]
    assert list(models) == sorted(models_in(home))
    for model in models.values():
        assert sorted(model) == sorted(SPLITS)
        for by_severity in model.values():
            assert set(by_severity) == set(SEVERITIES)
    assert models["round-1"]["validation"]["light"]["accuracy"] == 0.5
    assert models["round-1"]["validation"]["light"]["false_alarm_rate"] == 1
    assert models["round-0"]["test_seen"]["heavy"]["accuracy"] == 0
    assert models["round-0"]["test_seen"]["heavy"]["false_alarm_rate"] == 0


def test_of_equally_good_models_the_first_is_chosen_and_its_figures_are_given(home):
    chosen, figures = read_json(home / "chosen.json"), read_json(home / "metrics/evaluate.json")
    assert chosen == {
        "name": "round-1",
        "path": "rounds/1",
        "weights": sha256_of(home / "rounds/1/model.safetensors"),
        "criterion": "validation.light.accuracy",
        "value": 0.5,
    }
    assert figures["chosen"] == {"name": "round-1", **figures["models"]["round-1"]}


def test_predictions_are_of_every_crop_and_the_figures_are_theirs(home, params):
    predictions = pd.read_parquet(home / "predictions.parquet")
    tested = read_rows(home / "table", ["key", "split", "script"], SPLITS)
    assert len(predictions) == len(tested) * len(models_in(home)) * len(SEVERITIES)
    columns = ["model", "split", "severity", "key", "true", "ambiguous", "predicted", "p", "p_text"]
    assert list(predictions.columns) == columns
    figures = read_json(home / "metrics/evaluate.json")["models"]
    for (model, split, severity), rows in predictions.groupby(["model", "split", "severity"], observed=True):
        expected = tested[tested["split"] == split].sort_values("key")
        assert rows["key"].tolist() == expected["key"].tolist()
        assert rows["true"].astype(str).tolist() == expected["script"].tolist()
        true, predicted = rows["true"].astype(str), rows["predicted"].astype(str)
        text = true != "Zxxx"
        own = figures[model][split][severity]
        assert own["accuracy"] == pytest.approx(accuracy_score(true[text], predicted[text]), abs=1e-6)
        expected_f1 = f1_score(true, predicted, labels=sorted(set(true)), average="macro", zero_division=0)
        assert own["macro_f1"] == pytest.approx(expected_f1, abs=1e-6)


def test_thresholds_are_fixed_on_validation_for_each_model_and_severity(copy, params):
    run(params, copy, conditional=copy / "invariance/conditional")
    predictions = pd.read_parquet(copy / "predictions.parquet")
    figures = read_json(copy / "metrics/evaluate.json")["models"]
    for model in models_in(copy) | {"conditional": None}:
        for severity in SEVERITIES:
            rows = predictions.query("model == @model and severity == @severity")
            text, empty = rows[rows["true"] != "Zxxx"], rows[rows["true"] == "Zxxx"]
            seen = sorted(text.query("split == 'validation'")["p_text"], reverse=True)
            threshold = seen[15]  # 16 text crops: all of them, to keep 95%
            for split in SPLITS:
                own = figures[model][split][severity]
                assert own["text_threshold"] == pytest.approx(threshold, abs=1e-6)
                for name, of in (("text_recall", text), ("false_positive_rate", empty)):
                    expected = (of["p_text"][of["split"] == split] >= threshold).mean()
                    assert own[name] == pytest.approx(expected, abs=1e-6)
    light = figures["conditional"]["test_unseen"]["light"]
    assert len(seen) == 16 and figures["conditional"]["validation"]["light"]["text_recall"] == 1
    assert light["text_threshold"] != figures["conditional"]["test_unseen"]["heavy"]["text_threshold"]


def test_a_study_s_trainings_are_measured_and_never_chosen(copy, params):
    """Here the rounds find no text, and the study's trainings half of it."""
    asked = params.model_copy(update={"study": params.study.model_copy(update={"seeds": 2, "control": True})})
    for path in ("rounds/1", "rounds/2", "invariance/erm"):
        says(copy / path, "Zxxx", by=2000)
    replicas = {name: copy / folder for name, folder in STUDY.items()}
    for name, folder in replicas.items():
        shutil.copytree(copy / "invariance/conditional", folder)
        if name != "round-1/mined-1":
            says(folder, "Latn")
    summary = run(asked, copy, replicas=replicas, conditional=copy / "invariance/conditional")
    chosen, study = read_json(copy / "chosen.json"), read_json(copy / "metrics/study.json")
    assert chosen["name"] in {*models_in(copy), "conditional"} and chosen["value"] < 0.5
    assert study["splits"]["validation"]["1"]["control"]["accuracy"]["values"] == [0.5, 0.5]
    figures = read_json(copy / "metrics/evaluate.json")["models"]
    assert (
        set(figures) == set(pd.read_parquet(copy / "predictions.parquet")["model"]) == {*models_in(copy), "conditional"}
    )

    assert study["asked"] and study["severity"] == "light" and study["gains"] == {"1": None, "2": None}
    for split in SPLITS:
        of_round = study["splits"][split]["1"]["mined"]
        for figure in ("false_positive_rate", "false_alarm_rate", "accuracy", "worst_script"):
            values = [figures[name][split]["light"][figure] for name in ("round-1", "conditional")]
            assert of_round[figure]["values"] == values
            assert summary[f"study.{split}.round-1.mined.{figure}"] == pytest.approx(sum(values) / 2, abs=1e-6)


def test_a_study_that_is_not_asked_for_gives_the_rounds_own_figures(home):
    study, figures = read_json(home / "metrics/study.json"), read_json(home / "metrics/evaluate.json")["models"]
    assert (study["asked"], study["seeds"], study["control"], study["verdict"]) == (False, 1, False, None)
    for number in ("0", "1", "2"):
        of_round = study["splits"]["test_unseen"][number]
        own = figures[f"round-{number}"]["test_unseen"]["light"]
        assert of_round["mined"]["accuracy"] == {"values": [own["accuracy"]], "mean": own["accuracy"], "spread": None}
        assert of_round["control"] is None and of_round["difference"] is None


def test_a_study_asks_for_every_seed_and_control_of_every_round_and_mode_but_the_stages_own(params, home):
    asked = params.model_copy(update={"study": params.study.model_copy(update={"seeds": 2, "control": True})})
    modes = {f"{mode}/seed-1": f"invariance/{mode}/study/seed-1" for mode in params.invariance.modes}
    assert replicas_of_study(asked) == {name: params.home / folder for name, folder in (STUDY | modes).items()}
    assert replicas_of_study(params) == {}
    assert list(models_of(params))[:4] == ["round-0", "round-1", "round-2", "erm"]


def test_a_crop_is_degraded_by_its_key_alone(copy, params):
    """Scored here all at once, there in batches of 5: the same answers."""
    small = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"batch": 5})})
    run(small, copy, conditional=copy / "invariance/conditional")
    predictions = pd.read_parquet(copy / "predictions.parquet")
    network, card = load_model(copy / "invariance/conditional")
    pixels, rows = read_images(copy / "table", ["test_unseen"])
    images = degrade(
        torch.from_numpy(pixels).float().unsqueeze(1) / 255,
        seeds_of(rows["key"].tolist(), 0),
        SEVERITIES["medium"],
    )
    with torch.inference_mode():
        p, place = network(images).softmax(1).max(1)
    own = predictions.query("model == 'conditional' and split == 'test_unseen' and severity == 'medium'")
    assert own["predicted"].tolist() == [card["labels"][i] for i in place]
    np.testing.assert_allclose(own["p"], p, rtol=1e-4)


def test_the_same_inputs_give_the_same_bytes(home, copy, params):
    run(params, copy)
    for name in WRITTEN:
        assert (copy / name).read_bytes() == (home / name).read_bytes()


def test_the_same_weights_are_scored_once_and_answer_under_every_name(copy, params, monkeypatch):
    """A round after the stop holds the previous round's model."""
    shutil.copytree(copy / "rounds/1", copy / "rounds/9")
    scored, logits_of = [], answers.logits_of
    monkeypatch.setattr(answers, "logits_of", lambda *given: scored.append(given[0]) or logits_of(*given))
    run(params, copy, **{"round-9": copy / "rounds/9"})
    assert len({id(network) for network in scored}) == len(models_in(copy))
    figures = read_json(copy / "metrics/evaluate.json")["models"]
    assert figures["round-9"] == figures["round-1"]
    predictions = pd.read_parquet(copy / "predictions.parquet").groupby("model", observed=True)["p"].sum()
    assert predictions["round-9"] == predictions["round-1"]


def test_the_choice_is_written_before_any_test_crop_is_read(copy, params, monkeypatch):
    (copy / "chosen.json").unlink()
    seen, stream = [], answers.stream_images

    def watched(table, splits, batch):
        seen.append((splits[0], (copy / "chosen.json").exists()))
        return stream(table, splits, batch)

    monkeypatch.setattr(answers, "stream_images", watched)
    summary = run(params, copy)
    assert seen == [("validation", False), ("test_seen", True), ("test_unseen", True)]
    assert summary["validation.light.accuracy"] == 0.5
    assert all(isinstance(value, float) for value in summary.values())


def test_thin_scripts_are_named_and_left_out(home):
    figures = read_json(home / "metrics/evaluate.json")
    assert figures["thin_scripts"] == []
    assert figures["models"]["round-1"]["test_seen"]["clean"]["worst_script_label"] == "Cyrl"


def test_wrong_inputs_say_so_and_leave_nothing_behind(copy, params):
    shutil.rmtree(copy / "metrics")
    network, card = load_model(copy / "rounds/0")
    network.height = 32
    save_model(copy / "rounds/0", network, {**card, "height": 32})
    before = (copy / "predictions.parquet").read_bytes()
    with pytest.raises(UserError, match="round-0 reads 32×64"):
        run(params, copy)
    (copy / "rounds/0/model.json").write_text(json.dumps({}))
    with pytest.raises(UserError, match="no model card"):
        run(params, copy)
    with pytest.raises(UserError, match="there is no model"):
        run(params, copy, **{"round-0": copy / "nowhere"})
    assert not (copy / "metrics").exists()
    assert (copy / "predictions.parquet").read_bytes() == before


def test_a_table_without_validation_says_so(copy, params):
    table = copy / "table"
    for path in table.glob("part-*.parquet"):
        rows = pd.read_parquet(path)
        rows[rows["split"] != "validation"].to_parquet(path)
    with pytest.raises(UserError, match="no crops of split 'validation'"):
        run(params, copy)
