"""Of a project: its databases, what is stale and why, ports, threads."""

import shutil
import socket
import subprocess

import pytest
import yaml

from apps.doctor_project import _device, _pipeline, _port, _store, _threads, project_findings, why_stale
from tests.command import status_of
from tests.conftest import ROOT


@pytest.fixture
def project(here, monkeypatch):
    """This project's own files, and nothing made yet."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    for name in ("params.yaml", "dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, here / name)
    (here / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc" / "config", here / ".dvc" / "config")
    subprocess.run(["git", "init", "--quiet"], cwd=here, check=True)
    return here


def test_a_fresh_project_is_stale_and_otherwise_well(project):
    (project / "data" / "fonts").mkdir(parents=True)
    found = {finding.what: finding for finding in project_findings()}
    assert [what for what, finding in found.items() if not finding.good] == []
    assert found["fonts"].state == "data/fonts, fetched by the first run"
    assert "deleted" in found["stale: fonts"].state and found["stale: fonts"].fix == "unfont run"
    assert {"MLflow store", "Prefect", "DVC cache", "port 5000 of MLflow", "threads", "load"} <= set(found)


def test_a_missing_folder_of_fonts_and_a_damaged_store_have_their_fix(project):
    (project / "mlflow").mkdir()
    (project / "mlflow" / "mlflow.db").write_bytes(b"no database" * 500)
    found = {finding.what: finding for finding in project_findings()}
    assert "fonts.source" in found["fonts"].fix
    assert "file is not a database" in _store().state and "move it away" in found["MLflow store"].fix
    assert not found["fonts"].good


def test_a_gpu_that_is_asked_for_and_not_there_has_its_fix_and_stops_a_run(project, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert _device("auto").state == "the processor (auto)"
    values = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    (project / "params.yaml").write_text(yaml.safe_dump(values | {"device": "cuda"}), encoding="utf-8")
    assert "set it to auto or cpu" in _device("cuda").fix
    assert status_of(monkeypatch, "run") == 2
    said = capsys.readouterr()
    assert (
        "finds no GPU that it can use (params.yaml: device)" in said.err and said.err.count("\n") == 1 and not said.out
    )


def test_a_broken_dvc_yaml_has_its_fix(project):
    (project / "dvc.yaml").write_text("stages: [")
    assert [finding.good for finding in _pipeline()][-1] is False


def test_a_taken_port_is_a_hint():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finding = _port("MLflow", taken.getsockname()[1], "--mlflow-port")
    assert finding.good and "--mlflow-port" in finding.fix
    assert not _port("MLflow", 1, "--mlflow-port").fix


@pytest.mark.parametrize(("load", "policy", "hint"), [(8.0, "", True), (8.0, "PASSIVE", False), (0.1, "", False)])
def test_threads_that_spin_on_a_busy_machine_are_a_hint(monkeypatch, load, policy, hint):
    monkeypatch.setattr("os.getloadavg", lambda: (load, load, load))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setenv("OMP_WAIT_POLICY", policy)
    threads, busy = _threads(2)
    assert not threads.fix and bool(busy.fix) == hint
    assert next(_threads(4)).fix.startswith("set threads to 2")


def test_why_a_stage_is_stale_is_one_line():
    reasons = [
        {"changed deps": {"params.yaml": {"report.top": "modified", "report.steps": "new"}, "data/x": "deleted"}},
        "changed command",
    ]
    assert why_stale(reasons) == "params.yaml: report.top modified, report.steps new; data/x deleted; changed command"
    many = [{"changed outs": {f"data/{n}": "deleted" for n in range(6)}}]
    assert why_stale(many).endswith("data/3 deleted, and 2 more")
