"""The debug problem through the whole chain: real Prefect, DVC and MLflow, from fonts to report and champion."""

import contextlib
import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from benchmarks.faults import left_over, start
from tasks.common.files import read_json, sha256_of
from tasks.common.front_address import front_address
from tests.project import SOURCES, dvc, is_clean, unfont, write_params

pytestmark = pytest.mark.e2e

STAGES = [
    "fonts", "words", "crops", "tag", "baseline", "round@1", "round@2",
    "invariance@erm", "invariance@conditional", "evaluate", "probe", "report",
]  # fmt: skip


@pytest.fixture(scope="module")
def project(first_run):
    """The project after its first `unfont run`; the tests below follow one another, as a user's day does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(first_run)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield first_run


def hashes(folder: Path) -> dict[str, str]:
    lock = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))
    return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=A User", "-c", "user.email=user@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def stage_runs() -> list:
    from tasks.common.mlflow_runs import STAGE_TAG
    from tasks.common.mlflow_store import client, experiment_of

    runs = client().search_runs([experiment_of("debug")], order_by=["attributes.start_time ASC"])
    return [run for run in runs if STAGE_TAG in run.data.tags]


def test_a_run_makes_everything_and_leaves_dvc_clean(project):
    home = project / "data" / "debug"
    assert (home / "report" / "index.html").stat().st_size > 1000
    assert "up to date" in dvc(project, "status")
    assert sorted(yaml.safe_load((project / "dvc.lock").read_text(encoding="utf-8"))["stages"]) == sorted(STAGES)
    metrics = read_json(home / "metrics" / "evaluate.json")
    modes = {"erm", "conditional"}
    assert set(metrics["models"]) == {"round-0", "round-1", "round-2", *modes}
    # Three scripts and no text: guessing is right on a third of the text crops at most.
    assert metrics["chosen"]["test_unseen"]["clean"]["accuracy"] > 0.5
    probe = read_json(home / "metrics" / "probe.json")
    assert set(probe["nuisances"]["font_style"]["models"]) == set(metrics["models"])
    assert probe["chosen"]["name"] == metrics["chosen"]["name"] and "excess_points" in probe["chosen"]["font_style"]
    assert not list(project.rglob("*.part")) and not list((project / "data" / ".work").rglob("*.safetensors"))


def test_each_stage_is_a_nested_run_with_its_curves(project):
    from tasks.common.mlflow_runs import PARENT_TAG
    from tasks.common.mlflow_store import client

    runs = {run.data.tags["unfont.stage"]: run for run in stage_runs()}
    assert list(runs) == STAGES
    assert len({run.data.tags[PARENT_TAG] for run in runs.values()}) == 1
    assert len(client().get_metric_history(runs["baseline"].info.run_id, "loss")) == 15
    weights = sha256_of(project / "data" / "debug" / "rounds" / "2" / "model.safetensors")
    assert runs["round@2"].data.tags["weights_sha256"] == weights
    table = {each.dataset.name: each.dataset.digest for each in runs["baseline"].inputs.dataset_inputs}
    assert table == {"data/debug/table": hashes(project)["data/debug/table"]}
    assert "prefect.flow_run_id" in runs["baseline"].data.tags


def test_prefect_has_watched_every_stage(project):
    from prefect.client.orchestration import get_client

    from tasks.common.mlflow_runs import PARENT_TAG

    with get_client(sync_client=True) as client:
        names = {flow.name for flow in client.read_flows()}
        tables = {found.key: found for found in client.read_artifacts()}
    assert {"pipeline", *(stage.split("@")[0] for stage in STAGES)} <= names
    (run,) = [run for run in stage_runs() if run.data.tags["unfont.stage"] == "round@2"]
    assert run.info.run_id in tables["metrics-round-2-debug"].description
    done = json.loads(tables["stages-pipeline-debug"].data)
    assert [(row["stage"], row["how"]) for row in done] == [(stage, "run") for stage in STAGES]
    assert f"({front_address()}/runs/{run.data.tags[PARENT_TAG]})" in tables["links-pipeline-debug"].data


def test_the_report_is_linked_from_its_prefect_run_and_kept_by_mlflow(project):
    from prefect.client.orchestration import get_client

    from tasks.common.mlflow_store import client

    index = project / "data" / "debug" / "report" / "index.html"
    with get_client(sync_client=True) as prefect:
        (artifact,) = [found for found in prefect.read_artifacts() if found.key == "report-debug"]
    (run,) = [run for run in stage_runs() if run.data.tags["unfont.stage"] == "report"]
    assert f"[{index.relative_to(project)}]({front_address()}/report/index.html)" in artifact.data
    assert f"({front_address()}/runs/{run.info.run_id})" in artifact.description
    assert str(artifact.flow_run_id) == run.data.tags["prefect.flow_run_id"]
    assert "report/index.html" in [file.path for file in client().list_artifacts(run.info.run_id, "report")]
    provenance = read_json(index.with_suffix(".json"))["data"]
    assert provenance["data/debug/table"] == hashes(project)["data/debug/table"]


def test_the_chosen_model_is_champion_and_serves(project):
    from tasks.common.mlflow_store import client, use_store

    use_store()
    chosen = read_json(project / "data" / "debug" / "chosen.json")
    version = client().get_model_version_by_alias("unfont-debug", "champion")
    assert version.tags["weights_sha256"] == chosen["weights"]


def test_a_second_run_has_nothing_to_do_and_says_so(project):
    assert unfont("run") == (0, "nothing to do: everything is up to date\n")
    assert "up to date" in dvc(project, "repro")


def test_a_change_reruns_what_depends_on_it_and_no_more(project):
    write_params(project, {"report": {"top": 3}})
    assert unfont("run", "--plan") == (0, "report\n")
    write_params(project, {"mine": {"quota": 0.2}})
    assert unfont("run", "--plan")[1].split() == STAGES[5:]
    write_params(project, {"mine": {"quota": 0.1}, "probe": {"train": 150}})
    said = dvc(project, "repro")
    assert [line.split("'")[1] for line in said.splitlines() if line.startswith("Running")] == ["probe", "report"]
    assert unfont("run") == (0, "nothing to do: everything is up to date\n")


def test_stages_of_a_bare_repro_share_a_parent_of_their_own(project):
    from tasks.common.mlflow_runs import PARENT_TAG
    from tasks.common.mlflow_store import client

    parents = [run.data.tags[PARENT_TAG] for run in stage_runs()]
    assert len(set(parents[len(STAGES) :])) == 1
    assert parents[-1] != parents[0]
    assert client().get_run(parents[-1]).info.status == "FINISHED"


def test_one_round_reruns_alone_with_the_same_bytes(project):
    before = hashes(project)
    count = len(stage_runs())
    assert unfont("round", "2")[0] == 0
    dvc(project, "repro", "--force", "--single-item", "round@2")
    assert hashes(project) == before
    assert [run.data.tags["unfont.stage"] for run in stage_runs()][count:] == ["round@2", "round@2"]
    assert is_clean(project)


def test_an_earlier_state_comes_from_the_cache_and_is_logged(project):
    count = len(stage_runs())
    write_params(project, {"probe": {"train": 200}, "report": {"top": 4}})
    status, out = unfont("run")
    assert status == 0, out
    restored = [run for run in stage_runs()[count:] if run.data.tags.get("unfont.restored") == "true"]
    assert "probe" in [run.data.tags["unfont.stage"] for run in restored]
    assert is_clean(project)


def test_a_round_with_a_stale_ancestor_warns_and_changes_nothing_upstream(project, caplog):
    before = hashes(project)
    write_params(project, {"mine": {"near": 0.5}})
    status, out = unfont("round", "2")
    assert status == 0, out
    assert "warning: round@1 is stale" in caplog.text
    assert unfont("run", "--plan")[1].split()[0] == "round@1"
    after = hashes(project)
    assert [path for path in before if before[path] != after[path]] in ([], ["data/debug/rounds/2"])
    write_params(project, {"mine": {"near": 0.02}})
    assert unfont("run")[0] == 0
    assert hashes(project) == before


def test_later_rounds_are_stale_only_where_the_bytes_of_one_before_differ(project):
    status, out = unfont("round", "1")
    assert status == 0, out
    assert is_clean(project)
    lineage = project / "data" / "debug" / "rounds" / "1" / "history.json"
    kept = lineage.read_bytes()
    lineage.unlink()
    lineage.write_bytes(kept + b"\n")
    dvc(project, "commit", "--force", "round@1")
    assert unfont("run", "--plan")[1].split()[0] == "round@2"
    assert unfont("round", "1")[0] == 0
    assert is_clean(project)


def runs(pid: int, module: str) -> bool:
    """Whether a process that `pid` started runs the module."""
    with contextlib.suppress(psutil.Error):  # others come and go
        return any(module in child.cmdline() for child in psutil.Process(pid).children(recursive=True))
    return False


def test_a_killed_repro_leaves_nothing_and_the_next_one_ends_with_the_same_bytes(project):
    before = hashes(project)
    repro = start(project, "dvc", "repro", "--force", "--single-item", "words")
    while not runs(repro.pid, "flows.words"):
        assert repro.poll() is None
        time.sleep(0.05)
    repro.kill()
    repro.wait()
    assert left_over(project) == []
    dvc(project, "repro")
    assert hashes(project) == before
    assert is_clean(project)
    assert not list((project / "data").rglob(".*.part"))


def test_a_third_round_is_one_line(project):
    rounds = {str(number): {"previous": str(number - 1)} for number in range(1, 4)}
    write_params(project, {"rounds": rounds})
    assert unfont("run", "--plan")[1].split()[0] == "round@3"
    write_params(project, {"rounds": {}})
    values = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    del values["rounds"]["3"]
    (project / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    assert is_clean(project)


@pytest.fixture(scope="module")
def committed(project):
    """The project as its user commits it: the code, params, fonts, and `dvc.lock`."""
    git(project, "add", *SOURCES, "toyfonts", "dvc.lock", ".dvc/config")
    git(project, "commit", "--quiet", "--message", "first run")
    return project


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_clean_clone_that_pulls_runs_nothing_again(committed, tmp_path, monkeypatch, kind):
    with remote(kind, tmp_path, monkeypatch) as settings:
        own = committed / ".dvc" / "config.local"
        own.write_text(settings, encoding="utf-8")
        dvc(committed, "push")
        own.unlink()
        clone = tmp_path / "clone"
        git(tmp_path, "clone", "--quiet", str(committed), "clone")
        (clone / ".dvc" / "config.local").write_text(settings, encoding="utf-8")
        dvc(clone, "pull")
    assert is_clean(clone)
    monkeypatch.chdir(clone)
    assert unfont("run") == (0, "nothing to do: everything is up to date\n")
    assert "Running" not in dvc(clone, "repro")
    for made in ("report/index.html", "rounds/2/model.safetensors", "chosen.json"):
        assert (clone / "data/debug" / made).read_bytes() == (committed / "data/debug" / made).read_bytes()


@contextlib.contextmanager
def remote(kind, folder, monkeypatch):
    """A DVC remote, as its lines of configuration: a folder, or S3 by its protocol."""
    if kind == "folder":
        yield f"[core]\nremote = store\n['remote \"store\"']\nurl = {folder / 'remote'}\n"
        return
    pytest.importorskip("dvc_s3")
    boto3 = pytest.importorskip("boto3")
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="crops")
        yield f"[core]\nremote = store\n['remote \"store\"']\nurl = s3://crops/dvc\nendpointurl = {address}\n"
    finally:
        server.stop()


def test_an_experiment_in_a_copy_is_recorded_in_the_project_s_own_store(committed):
    before = {run.info.run_id for run in stage_runs()}
    (committed / ".venv").symlink_to(sys.prefix)
    # Not activated: the copy finds the project's environment.
    dvc(committed, "exp", "run", "--temp", "--set-param", "words.drawn=101", "words", path="/usr/bin:/bin")
    (committed / ".venv").unlink()
    (run,) = [run for run in stage_runs() if run.info.run_id not in before]
    assert run.data.tags["unfont.stage"] == "words" and run.info.status == "FINISHED"
    assert run.data.params["words.drawn"] == "101"
    # The copy is gone, and nothing of it is in the project.
    assert list((committed / ".dvc" / "tmp" / "exps").glob("tmp*")) == []
    assert is_clean(committed)


def test_a_clock_that_jumps_makes_nothing_stale(project):
    years = {"data/debug/**/*": 2100, "data/*.parquet": 1975, "flows/*.py": 2100, "dvc.lock": 1975}
    for pattern, year in years.items():
        when = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).timestamp()
        for file in project.glob(pattern):
            os.utime(file, (when, when))
    assert is_clean(project)
    assert unfont("run") == (0, "nothing to do: everything is up to date\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("round", "9"), "no such stage"),
        (("invariance", "magic"), "no such stage"),
        (("run", "magic"), "no such stage"),
        (("predict", "nothing.png"), "nothing.png"),
        (("evaluate", "--from", "nowhere"), "nowhere"),
        (("profile", "magic"), "no such profile"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(project, arguments, said):
    status, out = unfont(*arguments)
    assert (status, out.count("\n")) == (2, 1)
    assert out.startswith("unfont: ") and said in out


def test_a_file_that_is_no_picture_is_a_row_and_status_2(project):
    status, out = unfont("predict", "params.yaml")
    assert status == 2 and "error: this is no picture" in out
    assert out.splitlines()[-1] == "unfont: 1 of 1 pictures could not be read: see `error`"


def test_a_wrong_params_key_stops_before_any_work(project):
    before = (project / "params.yaml").read_text(encoding="utf-8")
    write_params(project, {"train": {"epochz": 1}})
    status, out = unfont("run")
    assert (status, out.count("\n")) == (2, 1)
    assert "train.epochz" in out
    (project / "params.yaml").write_text(before, encoding="utf-8")


def test_a_stage_run_by_hand_is_one_line_too(project):
    done = subprocess.run([sys.executable, "-m", "flows.round", "9"], cwd=project, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
