"""A real MLflow store, a real toy model: what is registered, and who is champion."""

import base64
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.tracking import MlflowClient
from PIL import Image

from flows.register import SERVED_MODEL
from tasks.common.files import write_json
from tasks.evaluate.model_selection import Selection, choice_of
from tasks.evaluate.predictions import Model
from tasks.metrics.paired_bootstrap import Difference
from tasks.predict.champion import find_model, temperature_of
from tasks.predict.predict import predict_files
from tasks.predict.promote import promote, rollback
from tasks.predict.register import register_model
from tasks.predict.torch_model import TorchModel
from tasks.train.weights import load_model, save_model
from tests.toyhome import make_toy_home, toy_params
from unfont.errors import UserError


@pytest.fixture(scope="module")
def params(tmp_path_factory):
    return toy_params()


@pytest.fixture(scope="module")
def made(tmp_path_factory, params):
    return make_toy_home(tmp_path_factory.mktemp("registered"), params=params)


@pytest.fixture
def home(made, store, params):
    """A home beside an empty store."""
    shutil.copytree(made, store / params.home)
    return store / params.home


METRICS = {"accuracy": 0.5, "worst_nuisance": None, "false_alarm_rate": 0.1}


def choose(home, path, name="some", temperature=1.0):
    selection = Selection(name=name, highest=name, ahead=Difference(value=0.0, lower=0.0))
    choice = choice_of(
        selection,
        folder=home / path,
        home=home,
        metrics={name: METRICS},
        temperatures={home / path: temperature},
    )
    write_json(home / "chosen.json", choice)


def predict_only(home, path, label):
    """Make the model at `path` one that always predicts `label`."""
    network, card = load_model(home / path)
    with torch.no_grad():
        network.target_head.bias[card["labels"].index(label)] += 1000
    save_model(home / path, network, card)


def register(params, home):
    return register_model(
        params, home=home, table=home / "table", served_model=SERVED_MODEL, fonts=home / "fonts.parquet"
    )


def lose_files():
    shutil.rmtree(mlflow.artifacts.download_artifacts("models:/unfont@champion"))


def champion():
    return int(MlflowClient().get_model_version_by_alias("unfont", "champion").version)


def test_the_first_model_is_champion_and_registering_it_again_changes_nothing(params, home):
    first = register(params, home)
    assert (first["name"], first["version"], first["logged"], first["moved"]) == ("unfont", "1", True, True)
    again = register(params, home)
    assert (again["version"], again["logged"], again["moved"]) == ("1", False, False)
    assert champion() == 1
    assert find_model(params) == params.home / "invariance/conditional+pairs"


def test_a_better_model_takes_the_alias_and_a_worse_one_does_not(params, home):
    # 8 Cyrl and 8 Latn crops in validation: one label alone is right in half of them, Zxxx in none. But Zxxx has no
    # false alarm where another label has nothing else; no cell is large enough to count: ((0 − 0.5) + (1 − 0)) / 2.
    predict_only(home, "rounds/0", "Latn")
    predict_only(home, "rounds/1", "Zxxx")
    choose(home, "rounds/0")
    register(params, home)
    choose(home, "rounds/1")
    better = register(params, home)
    assert (better["moved"], better["difference"], champion()) == (True, 0.25, 2)
    assert 0 < better["lower_bound"] < 0.25
    choose(home, "rounds/0")
    worse = register(params, home)
    assert (worse["version"], worse["logged"], worse["moved"], worse["difference"]) == (
        "1",
        False,
        False,
        -0.25,
    )
    assert champion() == 2
    # The champion serves, though another model was chosen.
    assert load_model(find_model(params))[0].target_head.bias.argmax() == 2


def test_a_model_that_is_no_better_does_not_take_the_alias(params, home):
    predict_only(home, "rounds/0", "Latn")
    predict_only(home, "rounds/1", "Cyrl")
    choose(home, "rounds/0")
    register(params, home)
    choose(home, "rounds/1")
    verdict = register(params, home)
    assert (verdict["moved"], verdict["difference"], champion()) == (False, 0.0, 1)


def test_a_champion_of_crops_of_another_size_gives_way(params, home):
    network, card = load_model(home / "rounds/0")
    network.height = 32
    save_model(home / "rounds/0", network, {**card, "height": 32})
    choose(home, "rounds/0")
    register(params, home)
    choose(home, "rounds/1")
    verdict = register(params, home)
    assert (verdict["moved"], champion()) == (True, 2)
    assert "reads crops of another size" in verdict["reason"]


def test_a_champion_whose_files_are_gone_gives_way_and_serves_nobody(params, home):
    register(params, home)
    lose_files()
    choose(home, "rounds/0")
    with pytest.raises(UserError, match="files cannot be downloaded"):
        find_model(params)
    verdict = register(params, home)
    assert verdict["moved"] and "cannot be scored" in verdict["reason"] and verdict["difference"] is None


def test_the_same_weights_are_logged_again_when_their_files_are_gone(params, home):
    register(params, home)
    lose_files()
    again = register(params, home)
    assert (again["version"], again["logged"], champion()) == ("2", True, 2)


def test_the_same_weights_with_another_temperature_are_a_version_of_their_own_and_champion(params, home):
    choose(home, "invariance/conditional")
    register(params, home)
    choose(home, "invariance/conditional", temperature=0.6)
    again = register(params, home)
    assert (again["version"], again["logged"], again["moved"]) == ("2", True, True)
    assert (register(params, home)["version"], champion()) == ("2", 2)
    choose(home, "invariance/conditional")
    assert (register(params, home)["logged"], champion()) == (False, 1)


def test_weights_that_were_not_the_chosen_ones_are_refused(params, home):
    predict_only(home, "invariance/conditional+pairs", "Latn")
    with pytest.raises(UserError, match="not the chosen weights"):
        register(params, home)
    (home / "chosen.json").unlink()
    with pytest.raises(UserError, match="no model is chosen"):
        register(params, home)


def test_other_problems_have_registered_models_of_their_own(params, home):
    faces = params.model_copy(update={"problem": "faces", "problems": {"faces": params.labels}})
    assert register(faces, home)["name"] == "unfont-faces"


def png(grey):
    file = io.BytesIO()
    Image.fromarray(np.full((16, 64), grey, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_the_served_model_predicts_without_pickle_and_as_predict_does(params, home, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    choose(home, "invariance/conditional", temperature=0.5)
    register(params, home)
    served = mlflow.pyfunc.load_model("models:/unfont@champion")
    images = [base64.b64encode(png(20)).decode(), "no picture", base64.b64encode(b"text").decode()]
    predictions = served.predict(pd.DataFrame({"image": images}), params={"top": 2, "among": "Cyrl,Latn"})
    (home / "grey.png").write_bytes(png(20))
    folder, options = find_model(params), {"top": 2, "among": ["Cyrl", "Latn"]}
    warm, cold = (TorchModel.of_folder(folder, temperature=value) for value in (0.5, 1.0))
    expected, _ = predict_files([home / "grey.png"], model=warm, **options)
    plain, _ = predict_files([home / "grey.png"], model=cold, **options)
    assert temperature_of(params, folder) == 0.5 and plain[0]["p"] < expected[0]["p"]
    assert predictions.loc[0, "script"] == expected[0]["script"]
    assert predictions.loc[0, "top"] == expected[0]["top"]
    assert predictions["error"].isna().tolist() == [True, False, False]
    assert served.predict(pd.DataFrame({"image": [png(20)]}))["p"].notna().all()
    with pytest.raises(mlflow.MlflowException, match="unknown label 'Klin'"):
        served.predict(pd.DataFrame({"image": images}), params={"among": "Klin"})


def test_the_logged_model_needs_nothing_but_itself(params, home, tmp_path):
    """It loads in another process, in another folder, where neither `tasks` nor `models` can be imported."""
    register(params, home)
    code = (
        "import sys; sys.path = [p for p in sys.path if p not in ('', '.')];"
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()];"
        "import mlflow; m = mlflow.pyfunc.load_model(sys.argv[1]);"
        "import tasks; print(tasks.__file__);"
        "import pandas as pd; print(m.predict(pd.DataFrame({'image': ['x']})).to_json())"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    logged = mlflow.artifacts.download_artifacts("models:/unfont@champion", dst_path=str(tmp_path / "logged"))
    environment = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-c", code, logged],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    place, answer = done.stdout.strip().splitlines()[-2:]
    assert "/code/tasks/" in place
    assert "this is no base64" in answer


def test_model_holds_the_names_of_its_outputs(home):
    assert Model.of_folder(home / "rounds/0").labels == ["Cyrl", "Latn", "Zxxx"]


def test_a_champion_that_moved_in_mlflow_answers_at_once(params, home):
    predict_only(home, "rounds/0", "Latn")
    choose(home, "rounds/0")
    register(params, home)
    assert find_model(params) == home.relative_to(Path.cwd()) / "rounds/0" == find_model(params)
    MlflowClient().delete_registered_model_alias("unfont", "champion")
    choose(home, "rounds/1")
    assert find_model(params) == params.home / "rounds/1"


def test_a_server_that_is_away_is_said_and_no_other_model_answers(params, home, monkeypatch):
    from tasks.predict.open_model import serving_model

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="does not answer"):
        serving_model(params.model_copy(update={"problem": "scripts", "problems": {"scripts": params.labels}}))


def test_a_person_promotes_and_rolls_back_and_register_leaves_it_so(params, home):
    predict_only(home, "rounds/0", "Latn")
    predict_only(home, "rounds/1", "Zxxx")
    choose(home, "rounds/0")
    register(params, home)
    with pytest.raises(UserError, match="no champion before"):
        rollback("scripts")
    choose(home, "rounds/1")
    register(params, home)
    assert rollback("scripts") == "unfont version 1 is champion again, in place of 2"
    again = register(params, home)
    assert (again["moved"], again["reason"], champion()) == (False, "it was rolled back", 1)
    run = MlflowClient().get_model_version("unfont", "2").run_id
    assert promote("scripts", run) == "unfont version 2 is champion"
    assert champion() == 2 and not register(params, home)["moved"]
    rollback("scripts")
    assert champion() == 1


@pytest.mark.parametrize("wrong", ["7", "no-run", "0123456789abcdef0123456789abcdef"])
def test_what_was_never_registered_is_not_promoted(params, home, wrong):
    register(params, home)
    with pytest.raises(UserError, match=r"no registered version is of .*its versions \(1\)"):
        promote("scripts", wrong)


def test_the_model_card_is_the_version_s_description_as_far_as_there_is_room(params, home, monkeypatch):
    register(params, home)
    assert not MlflowClient().get_model_version("unfont", "1").description  # evaluate measured nothing here
    monkeypatch.setattr(
        "tasks.predict.register.model_card",
        lambda params, name, card, fonts: f"{card['name']} {name} ".ljust(6000, "x"),
    )
    choose(home, "rounds/0", name="round-0")
    register(params, home)
    described = MlflowClient().get_model_version("unfont", "2").description
    assert described.startswith("unfont 2 round-0 x") and len(described) == 5000
