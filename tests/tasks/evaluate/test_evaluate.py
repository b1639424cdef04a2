"""Toy models on a toy table through the real code; metrics are recomputed from the predictions."""

import json
import shutil

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from flows.evaluate import models_of, replicas_of_study
from models.degrade import SEVERITIES, degrade, seeds_of
from tasks.common.files import read_json, sha256_of
from tasks.crop_table import shards as table
from tasks.crop_table.shards import read_images, read_rows
from tasks.crop_table.splits import MEASURED_SPLITS
from tasks.evaluate.evaluate import Outputs, evaluate_models
from tasks.evaluate.plot_tables import COLUMNS
from tasks.metrics.calibration import calibration_error, fit_temperature
from tasks.train.weights import load_model, save_model
from tests.toyhome import count_passes, make_toy_home, toy_params
from unfont.errors import UserError

WRITTEN = ["chosen.json", "predictions.parquet"]
WRITTEN += [f"metrics/{name}.json" for name in ("evaluate", "groups", "invariance", "study")]
WRITTEN += [f"plots/{name}.csv" for name in COLUMNS]


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
        outputs=Outputs.of_home(home),
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
        (home / name).unlink(missing_ok=True)
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
        assert sorted(model) == sorted(MEASURED_SPLITS)
        for by_severity in model.values():
            assert set(by_severity) == set(SEVERITIES)
    assert models["round-1"]["validation"]["light"]["accuracy"] == 0.5
    assert models["round-1"]["validation"]["light"]["false_alarm_rate"] == 1
    assert models["round-0"]["test_seen"]["heavy"]["accuracy"] == 0
    assert models["round-0"]["test_seen"]["heavy"]["false_alarm_rate"] == 0


def test_the_choice_has_the_highest_criterion_on_validation_and_its_figures_are_given(home):
    """The toy's styles have one design each: no style counts. Nothing is text: (0 + 1) / 2. All is: (1/2 + 0) / 2."""
    chosen, metrics = read_json(home / "chosen.json"), read_json(home / "metrics/evaluate.json")
    styles = read_rows(home / "table", ["font_style"], ["validation"])["font_style"].dropna().unique()
    assert len(styles) > 1
    assert chosen == {
        "name": "round-0",
        "path": "rounds/0",
        "weights": sha256_of(home / "rounds/0/model.safetensors"),
        "criterion": "validation.light: mean of accuracy, 1 - false_alarm_rate",
        "value": 0.5,
        "highest": {"name": "round-0", "value": 0.5, "difference": 0, "lower_bound": 0},
        "metrics": {"accuracy": 0, "worst_nuisance": None, "false_alarm_rate": 0},
        "rests_on": dict.fromkeys(styles),
        "temperature": metrics["temperatures"]["round-0"],
        "temperatures": {
            sha256_of(folder / "model.safetensors"): metrics["temperatures"][name]
            for name, folder in models_in(home).items()
        },
    }
    assert metrics["chosen"] == {"name": "round-0", **metrics["models"]["round-0"]}


def test_of_models_that_validation_cannot_tell_apart_one_that_unlearns_is_chosen(copy, params):
    for path in ("rounds/0", "invariance/conditional", "invariance/conditional+pairs"):
        says(copy / path, "Latn", by=2000)
    run(params, copy)
    chosen = read_json(copy / "chosen.json")
    assert (chosen["name"], chosen["path"]) == ("round-0", "rounds/0")
    assert chosen["highest"] == {"name": "round-0", "value": 0.25, "difference": 0, "lower_bound": 0}
    modes = {mode: copy / "invariance" / mode for mode in ("conditional+pairs", "conditional")}
    run(params, copy, **modes)
    assert read_json(copy / "chosen.json")["name"] == "conditional"


def test_predictions_are_of_every_crop_and_the_figures_are_theirs(home, params):
    predictions = pd.read_parquet(home / "predictions.parquet")
    tested = read_rows(home / "table", ["key", "split", "script"], MEASURED_SPLITS)
    assert len(predictions) == len(tested) * len(models_in(home)) * len(SEVERITIES)
    columns = ["model", "split", "severity", "key", "true", "ambiguous", "predicted", "p", "p_text"]
    assert list(predictions.columns) == columns
    metrics = read_json(home / "metrics/evaluate.json")["models"]
    for (model, split, severity), rows in predictions.groupby(["model", "split", "severity"], observed=True):
        expected = tested[tested["split"] == split].sort_values("key")
        assert rows["key"].tolist() == expected["key"].tolist()
        assert rows["true"].astype(str).tolist() == expected["script"].tolist()
        true, predicted = rows["true"].astype(str), rows["predicted"].astype(str)
        text = true != "Zxxx"
        own = metrics[model][split][severity]
        assert own["accuracy"] == pytest.approx(accuracy_score(true[text], predicted[text]), abs=1e-6)
        expected_f1 = f1_score(true, predicted, labels=sorted(set(true)), average="macro", zero_division=0)
        assert own["macro_f1"] == pytest.approx(expected_f1, abs=1e-6)


def test_thresholds_are_fixed_on_validation_for_each_model_and_severity(copy, params):
    run(params, copy, conditional=copy / "invariance/conditional")
    predictions = pd.read_parquet(copy / "predictions.parquet")
    metrics = read_json(copy / "metrics/evaluate.json")["models"]
    for model in models_in(copy) | {"conditional": None}:
        for severity in SEVERITIES:
            rows = predictions.query("model == @model and severity == @severity")
            text, empty = rows[rows["true"] != "Zxxx"], rows[rows["true"] == "Zxxx"]
            seen = sorted(text.query("split == 'validation'")["p_text"], reverse=True)
            threshold = seen[15]  # 16 text crops: all of them, to keep 95%
            for split in MEASURED_SPLITS:
                own = metrics[model][split][severity]
                assert own["text_threshold"] == pytest.approx(threshold, abs=1e-6)
                for name, of in (("text_recall", text), ("false_positive_rate", empty)):
                    expected = (of["p_text"][of["split"] == split] >= threshold).mean()
                    assert own[name] == pytest.approx(expected, abs=1e-6)
    light = metrics["conditional"]["test_unseen"]["light"]
    assert len(seen) == 16 and metrics["conditional"]["validation"]["light"]["text_recall"] == 1
    assert light["text_threshold"] != metrics["conditional"]["test_unseen"]["heavy"]["text_threshold"]


def test_a_study_s_trainings_are_measured_and_never_chosen(copy, params):
    """Here the rounds take all for text, and the study's trainings nothing, which is better by the criterion."""
    asked = params.model_copy(update={"study": params.study.model_copy(update={"seeds": 2, "control": True})})
    says(copy / "rounds/0", "Latn", by=2000)
    says(copy / "invariance/conditional", "Latn")
    replicas = {name: copy / folder for name, folder in STUDY.items()}
    for folder in replicas.values():
        shutil.copytree(copy / "invariance/conditional", folder)
        says(folder, "Zxxx", by=2000)
    summary = run(asked, copy, replicas=replicas, conditional=copy / "invariance/conditional")
    chosen, study = read_json(copy / "chosen.json"), read_json(copy / "metrics/study.json")
    assert chosen["name"] in {*models_in(copy), "conditional"} and chosen["value"] < 0.5
    assert study["splits"]["validation"]["1"]["control"]["false_alarm_rate"]["values"] == [0, 0]
    metrics = read_json(copy / "metrics/evaluate.json")["models"]
    assert (
        set(metrics) == set(pd.read_parquet(copy / "predictions.parquet")["model"]) == {*models_in(copy), "conditional"}
    )

    assert study["asked"] and study["severity"] == "light" and study["gains"] == {"1": None, "2": None}
    for split in MEASURED_SPLITS:
        of_round = study["splits"][split]["1"]["mined"]
        for metric, values in {"false_alarm_rate": [1, 0], "accuracy": [0.5, 0], "worst_target": [0, 0]}.items():
            assert of_round[metric]["values"] == values
            assert summary[f"study.{split}.round-1.mined.{metric}"] == sum(values) / 2


def test_a_study_that_is_not_asked_for_gives_the_rounds_own_figures(home):
    study, metrics = read_json(home / "metrics/study.json"), read_json(home / "metrics/evaluate.json")["models"]
    assert (study["asked"], study["seeds"], study["control"], study["verdict"]) == (False, 1, False, None)
    for number in ("0", "1", "2"):
        of_round = study["splits"]["test_unseen"][number]
        own = metrics[f"round-{number}"]["test_unseen"]["light"]
        assert of_round["mined"]["accuracy"] == {"values": [own["accuracy"]], "mean": own["accuracy"], "spread": None}
        assert of_round["control"] is None and of_round["difference"] is None


def test_a_study_asks_for_every_seed_and_control_of_every_round_and_mode_but_the_stages_own(params, home):
    asked = params.model_copy(update={"study": params.study.model_copy(update={"seeds": 2, "control": True})})
    modes = {f"{mode}/seed-1": f"invariance/{mode}/study/seed-1" for mode in params.invariance.modes}
    assert replicas_of_study(asked) == {name: params.home / folder for name, folder in (STUDY | modes).items()}
    assert replicas_of_study(params) == {}
    assert list(models_of(params))[:4] == ["round-0", "round-1", "round-2", "erm"]


def test_a_crop_is_degraded_by_its_key_alone(copy, params):
    """Scored here all at once, there in batches of 5: the same predictions."""
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
        logits = network(images)
    temperature = read_json(copy / "metrics/evaluate.json")["temperatures"]["conditional"]
    p, place = (logits / temperature).softmax(1).max(1)
    p_text = 1 - logits.softmax(1)[:, card["labels"].index("Zxxx")]
    own = predictions.query("model == 'conditional' and split == 'test_unseen' and severity == 'medium'")
    assert own["predicted"].tolist() == [card["labels"][i] for i in place]
    np.testing.assert_allclose(own["p"], p, rtol=1e-4)
    np.testing.assert_allclose(own["p_text"], p_text, rtol=1e-4)
    assert temperature != 1


def test_the_same_inputs_give_the_same_bytes(home, copy, params):
    run(params, copy)
    for name in WRITTEN:
        assert (copy / name).read_bytes() == (home / name).read_bytes()


def test_the_same_weights_are_scored_once_and_answer_under_every_name(copy, params, monkeypatch):
    """A round after the stop holds the previous round's model."""
    shutil.copytree(copy / "rounds/1", copy / "rounds/9")
    scored = []
    count_passes(monkeypatch, scored)
    run(params, copy, **{"round-9": copy / "rounds/9"})
    assert len({id(network) for network in scored}) == len(models_in(copy))
    metrics = read_json(copy / "metrics/evaluate.json")["models"]
    assert metrics["round-9"] == metrics["round-1"]
    predictions = pd.read_parquet(copy / "predictions.parquet").groupby("model", observed=True)["p"].sum()
    assert predictions["round-9"] == predictions["round-1"]


@pytest.fixture
def guarded(copy, monkeypatch):
    """A home where nothing but rows of validation can be read until the choice is written."""
    (copy / "chosen.json").unlink()
    of_splits = table._of_splits

    def guard(splits):
        chosen = (copy / "chosen.json").exists()
        assert chosen or splits == ["validation"], f"{splits or 'all splits'} were read before the choice"
        return of_splits(splits)

    monkeypatch.setattr(table, "_of_splits", guard)
    return copy


def test_nothing_but_validation_is_read_before_the_choice_is_written(guarded, params):
    for peek in (None, ["test_unseen"], ["validation", "test_seen"]):
        with pytest.raises(AssertionError, match="before the choice"):
            read_rows(guarded / "table", ["key"], peek)
    summary = run(params, guarded)
    assert (guarded / "chosen.json").exists()
    assert summary["validation.light.accuracy"] == 0
    assert all(isinstance(value, float) for value in summary.values())


def rewritten(folder, change):
    for path in folder.glob("part-*.parquet"):
        rows = pq.read_table(path)
        pq.write_table(pa.Table.from_pandas(change(rows.to_pandas()), rows.schema, preserve_index=False), path)


def test_other_test_rows_change_nothing_of_the_choice(copy, params):
    models = {"conditional": copy / "invariance/conditional"}
    run(params, copy, **models)
    before, metrics = (copy / "chosen.json").read_bytes(), read_json(copy / "metrics/evaluate.json")

    def other(rows):
        tested = rows["split"].isin(["test_seen", "test_unseen"]).to_numpy()
        changed = rows[tested].assign(script="Latn", font_style="serif", design="one")
        changed["image"] = rows["image"].to_numpy()[tested][::-1]
        return pd.concat([rows[~tested], changed])

    rewritten(copy / "table", other)
    (copy / "chosen.json").unlink()
    run(params, copy, **models)
    after = read_json(copy / "metrics/evaluate.json")
    assert (copy / "chosen.json").read_bytes() == before
    assert after["temperatures"] == metrics["temperatures"]
    assert after["models"]["round-1"]["test_unseen"] != metrics["models"]["round-1"]["test_unseen"]


def test_without_test_rows_the_choice_is_made_all_the_same(copy, params):
    run(params, copy)
    before = (copy / "chosen.json").read_bytes()
    (copy / "chosen.json").unlink()
    rewritten(copy / "table", lambda rows: rows[~rows["split"].isin(["test_seen", "test_unseen"])])
    with pytest.raises(UserError, match="no crops of split 'test_seen'"):
        run(params, copy)
    assert (copy / "chosen.json").read_bytes() == before


def test_temperatures_fit_validation_at_light_degradation_and_the_calibration_error_has_them(home, params):
    metrics = read_json(home / "metrics/evaluate.json")
    pixels, rows = read_images(home / "table", ["validation"])
    images = torch.from_numpy(pixels).float().unsqueeze(1) / 255
    light = degrade(images, seeds_of(rows["key"].tolist(), 0), SEVERITIES["light"])
    predictions = pd.read_parquet(home / "predictions.parquet")
    for name, folder in models_in(home).items():
        network, card = load_model(folder)
        with torch.inference_mode():
            logits = network(light)
        temperature = metrics["temperatures"][name]
        assert temperature == pytest.approx(fit_temperature(logits.numpy(), rows["script"], card["labels"]), rel=1e-3)
        own = predictions.query("model == @name and split == 'validation' and severity == 'light'")
        correct = (own["true"].astype(str) == own["predicted"].astype(str)).to_numpy()
        numbers = metrics["models"][name]["validation"]["light"]
        assert numbers["calibration_error"] == pytest.approx(calibration_error(own["p"], correct), abs=1e-5)
        raw = logits.softmax(1).amax(1).numpy()
        assert numbers["calibration_error_raw"] == pytest.approx(calibration_error(raw, correct), abs=1e-5)


@pytest.fixture
def styled(copy):
    """Every (script, style) cell has two designs, and each design a family."""

    def change(rows):
        second = rows["key"].str[0].isin(list("01234567"))
        design = rows["font_style"].astype(object) + second.map({True: "-a", False: "-b"})
        return rows.assign(design=design.where(design.notna(), rows["design"].astype(object)), font_family=design)

    rewritten(copy / "table", change)
    return copy


def test_groups_tell_accuracy_by_style_and_the_worst_families_of_every_model(styled, params):
    counted = params.model_copy(update={"evaluate": params.evaluate.model_copy(update={"cell_crops": 2})})
    run(counted, styled)
    groups = read_json(styled / "metrics/groups.json")
    metrics = read_json(styled / "metrics/evaluate.json")["models"]
    assert groups["severity"] == "light" and set(groups["models"]) == set(models_in(styled))
    own = groups["models"]["round-1"]["test_unseen"]  # it says Latn of everything
    styles = own["by_nuisance"]["font_style"]["values"]
    cells = own["by_nuisance"]["font_style"]["cells"]
    assert {cell["accuracy"] for cell in cells if cell["label"] == "Latn"} == {1}
    for value, numbers in styles.items():
        shares = [cell["accuracy"] for cell in cells if cell["value"] == value]
        assert numbers["accuracy"] == pytest.approx(sum(shares) / len(shares), abs=1e-6)
    light = metrics["round-1"]["test_unseen"]["light"]
    assert light["worst_nuisance"] == min(numbers["accuracy"] for numbers in styles.values())
    assert (light["worst_cell"], light["worst_cell_target"]) == (0, "Cyrl")
    assert own["worst_families"] and all(entry["low"] <= entry["accuracy"] for entry in own["worst_families"])
    drawn = pd.read_csv(styled / "plots/accuracy_by_nuisance.csv").query("model == 'round-1'")
    assert dict(zip(drawn["value"], drawn["accuracy"], strict=True)) == {
        value: numbers["accuracy"] for value, numbers in styles.items()
    }


def test_modes_are_summed_up_over_their_seeds_and_compared_on_designs_drawn_anew(copy, params):
    shutil.copytree(copy / "rounds/0", copy / "invariance/erm/study/seed-1")
    replicas = {"erm/seed-1": copy / "invariance/erm/study/seed-1"}
    summary = run(params, copy, replicas=replicas, conditional=copy / "invariance/conditional")
    found = read_json(copy / "metrics/invariance.json")
    assert (found["severity"], found["baseline"]) == ("light", "erm")
    assert found["modes"]["erm"]["seeds"] == [0, 1] and found["modes"]["conditional"]["seeds"] == [0]
    accuracy = found["modes"]["erm"]["splits"]["test_unseen"]["accuracy"]
    assert (accuracy["values"], accuracy["mean"]) == ([0.5, 0], 0.25)  # all is Latn; nothing is text
    assert summary["modes.test_unseen.erm.accuracy"] == 0.25
    pairs = {(one["candidate"], one["reference"]): one for one in found["pairs"]["differences"]}
    assert set(pairs) == {("conditional", "erm"), ("erm", "round-2"), ("conditional", "round-2")}
    assert pairs["erm", "round-2"]["accuracy"] == {"value": 0, "low": 0, "high": 0}
    metrics = read_json(copy / "metrics/evaluate.json")["models"]
    values = {name: metrics[name]["test_unseen"]["light"]["accuracy"] for name in ("conditional", "erm")}
    assert pairs["conditional", "erm"]["accuracy"]["value"] == values["conditional"] - values["erm"]


def test_the_plots_are_of_unseen_designs_at_light_degradation(home):
    choice, predictions = read_json(home / "chosen.json"), pd.read_parquet(home / "predictions.parquet")
    own = predictions.query("split == 'test_unseen' and severity == 'light'")
    drawn = pd.read_csv(home / "plots/confusion.csv")
    chosen = own[own["model"] == choice["name"]]
    assert drawn["actual"].tolist() == chosen["true"].astype(str).tolist()
    assert drawn["predicted"].tolist() == chosen["predicted"].astype(str).tolist()
    assert set(pd.read_csv(home / "plots/reliability.csv")["temperature"]) == {1, choice["temperature"]}
    risks = pd.read_csv(home / "plots/risk_coverage.csv").groupby("model")["risk"].last()
    for name in models_in(home):
        text = own[(own["model"] == name) & (own["true"] != "Zxxx")]
        assert risks[name] == pytest.approx((text["true"].astype(str) != text["predicted"].astype(str)).mean())
    curves = pd.read_csv(home / "plots/training.csv")
    assert curves.groupby("model").size().to_dict() == dict.fromkeys(models_in(home), 3)


def test_thin_targets_are_named_and_left_out(home):
    metrics = read_json(home / "metrics/evaluate.json")
    assert metrics["thin_targets"] == []
    assert metrics["models"]["round-1"]["test_seen"]["clean"]["worst_target_label"] == "Cyrl"


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
    rewritten(copy / "table", lambda rows: rows[rows["split"] != "validation"])
    with pytest.raises(UserError, match="no crops of split 'validation'"):
        run(params, copy)
