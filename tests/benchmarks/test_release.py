"""What the benchmark of released models reads of finished runs, and how bases are summed up."""

import pytest

from benchmarks import release
from tasks.common.files import write_json


def finished(folder, *, chosen, erm, excess, real):
    """A run with the models erm and pairs, of which pairs was chosen."""
    light = {"erm": erm, "pairs": chosen}
    rows = {
        name: {"accuracy": value, "worst_nuisance": value - 0.1, "worst_target": None} for name, value in light.items()
    }
    models = {name: {"test_unseen": {"light": row, "heavy": row}} for name, row in rows.items()}
    metrics = folder / "data/scripts/metrics"
    write_json(metrics / "evaluate.json", {"models": models, "chosen": {"name": "pairs", **models["pairs"]}})
    probed = {name: {"test_unseen": {"excess_points": excess}} for name in light}
    write_json(metrics / "probe.json", {"nuisances": {"font_style": {"models": probed}}})
    write_json(metrics / "real.json", {"n": 3, "models": {name: {"accuracy": real} for name in light}})
    return folder


def test_bases_are_summed_up_as_mean_and_spread(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "stage_seconds", lambda project, problem: {"crops": 60.0, "baseline": 120.0})
    one = finished(tmp_path / "a", chosen=0.9, erm=0.88, excess=4.0, real=0.5)
    other = finished(tmp_path / "b", chosen=0.8, erm=0.82, excess=2.0, real=0.75)
    write_json(one / "data/scripts/peers/peers.json", {"dann": {"accuracy": 0.75}})  # one base's peers are measured
    found = release.summary([release.base_of(project, "scripts") for project in (one, other)])
    assert found["chosen"]["names"] == ["pairs", "pairs"]
    assert found["chosen"]["test_unseen"]["light"] == {"accuracy": 0.85, "worst_nuisance": 0.75, "worst_target": None}
    assert found["spread"]["chosen"]["heavy"]["accuracy"] == pytest.approx(0.1)
    assert (found["probe_excess_points"], found["spread"]["probe_excess_points"]) == (3, 2)
    assert (found["accuracy_less_erm"], found["spread"]["accuracy_less_erm"]) == (0, 4)
    assert found["modes"]["erm"] == {"accuracy": 0.85, "probe_excess_points": 3}
    assert found["peers"] == {"dann": {"accuracy": 0.75}}
    assert (found["real"]["pairs"], found["minutes"], found["bases"]) == (0.625, 3, 2)


def test_a_folder_without_a_finished_run_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["release", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        release.main()
    assert left.value.code == 2 and f"no run has ended here ({tmp_path})" in capsys.readouterr().err
