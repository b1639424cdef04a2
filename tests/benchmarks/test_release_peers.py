"""What the peers of a release are measured by: what `unfont evaluate` and `unfont probe` find of the same models."""

import shutil

import pytest

from benchmarks import domainbed, leace, release_peers
from flows.evaluate import models_of
from tasks.common.files import read_json
from tasks.evaluate.evaluate import Outputs, evaluate_models
from tests.toyhome import make_toy_home, toy_params


def test_a_peer_is_measured_as_the_models_of_the_run_are(tmp_path, monkeypatch):
    params = toy_params()
    home = make_toy_home(tmp_path / "data", params=params).rename(tmp_path / params.home)
    monkeypatch.chdir(tmp_path)
    for name in (*domainbed.PEERS, *leace.PEERS):
        shutil.copytree(home / "invariance/erm", home / "peers" / name)
    evaluate_models(params, table=home / "table", models=models_of(params), replicas={}, outputs=Outputs.of_home(home))
    chosen = read_json(home / "chosen.json")["name"]

    found = release_peers.measured(params)
    assert {*found} == {*params.invariance.modes, chosen, "dann", "cdann", "leace", "leace-within"}
    evaluated = read_json(home / "metrics/evaluate.json")["models"]
    probed = read_json(home / "peers/probe.json")["nuisances"]["font_style"]["models"]
    for name, same in {"erm": "erm", chosen: chosen, "dann": "erm", "leace": "erm"}.items():
        assert found[name]["accuracy"] == evaluated[same]["test_unseen"]["light"]["accuracy"]
        assert found[name]["probe_excess_points"] == probed[same]["test_unseen"]["excess_points"]
        assert found[name]["probe_excess_points_seen"] == probed[same]["test_seen"]["excess_points"]


def test_a_folder_without_a_finished_run_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["release_peers", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        release_peers.main()
    assert left.value.code == 2 and f"there is no project here ({tmp_path})" in capsys.readouterr().err
