"""A real MLflow store in SQLite."""

import socket
import subprocess
from contextlib import nullcontext

import pytest

from tasks.common.dvc_stage import StageFacts
from tasks.common.files import write_json
from tasks.common.front_address import front_address
from tasks.common.mlflow_runs import (
    PARENT_TAG,
    RESUMES_TAG,
    _is_gone,
    _this_process,
    recorded_pipeline,
    recorded_stage,
)
from tasks.common.mlflow_store import client, use_store

FACTS = StageFacts(
    address="round@2",
    item="2",
    params={"seed": 3, "mine": {"share": 0.25, "pairs": {"a": 1}}},
    data={"data/debug/table": "0123456789abcdef0123456789abcdef.dir"},
    code=[],
    outs=[],
)


def test_stages_nest_under_the_pipeline_with_params_and_the_data_s_hash(store):
    with recorded_pipeline("pipeline", {"seed": 3}, "debug") as parent, recorded_stage(FACTS, "debug") as record:
        record.metrics({"added": 7})
    run = client().get_run(record.run_id)
    assert run.data.tags[PARENT_TAG] == parent.run_id
    assert run.info.status == client().get_run(parent.run_id).info.status == "FINISHED"
    assert run.data.params == {"seed": "3", "mine.share": "0.25", "mine.pairs.a": "1"}
    assert run.data.metrics == {"added": 7}
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == (
        "data/debug/table",
        "0123456789abcdef0123456789abcdef.dir",
    )


def test_a_stage_that_raises_is_a_failed_run(store):
    with pytest.raises(RuntimeError), recorded_stage(FACTS, "debug") as record:
        raise RuntimeError
    assert client().get_run(record.run_id).info.status == "FAILED"


def test_stages_of_one_repro_share_one_parent(store, monkeypatch):
    monkeypatch.setattr("tasks.common.mlflow_runs._repro_process", lambda: "77:1000")
    parents = []
    for _ in range(2):
        with recorded_stage(FACTS, "debug") as record:
            pass
        parents.append(client().get_run(record.run_id).data.tags[PARENT_TAG])
    assert parents[0] == parents[1]
    assert client().get_run(parents[0]).info.status == "FINISHED"


def test_a_training_is_recorded_epoch_by_epoch(store, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    epochs = [{"epoch": 0, "loss": 2.0, "accuracy": 0.5}, {"epoch": 1, "loss": 1.0, "accuracy": None}]
    write_json(tmp_path / "model" / "history.json", {"epochs": epochs})
    with recorded_stage(FACTS, "debug") as record:
        record.training(tmp_path / "model", {"loss": 1.0, "crops": 5})
    assert [(m.step, m.value) for m in client().get_metric_history(record.run_id, "loss")] == [(0, 2.0), (1, 1.0)]
    assert client().get_run(record.run_id).data.metrics["crops"] == 5
    assert [file.path for file in client().list_artifacts(record.run_id)] == ["training.png"]
    # printf weights | sha256sum
    assert client().get_run(record.run_id).data.tags["weights_sha256"] == (
        "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
    )


def test_a_sum_of_modes_has_a_name_that_mlflow_takes(store):
    with recorded_stage(FACTS, "debug") as record:
        record.metrics({"font_style.test_seen.conditional+pairs": 1.5})
    assert client().get_run(record.run_id).data.metrics == {"font_style.test_seen.conditional-and-pairs": 1.5}


def test_runs_of_a_killed_process_end_as_killed_and_the_rerun_names_them(store, monkeypatch, caplog):
    caplog.set_level("INFO")
    use_store()
    gone = subprocess.Popen(["true"])
    gone.wait()
    with monkeypatch.context() as patch:
        patch.setattr("tasks.common.mlflow_runs._this_process", lambda: f"{socket.gethostname()}:{gone.pid}:1000")
        patch.setattr("tasks.common.mlflow_runs._terminated", lambda run_id, parent=None: nullcontext(run_id))
        with recorded_pipeline("pipeline", {}, "debug") as parent, recorded_stage(FACTS, "debug") as record:
            pass
    with (
        recorded_pipeline("pipeline", {}, "debug"),
        recorded_stage(FACTS, "debug") as again,
        recorded_pipeline("other", {}, "debug"),
    ):
        # A run of this process, under way, is left alone.
        assert client().get_run(again.run_id).info.status == "RUNNING"
    assert {client().get_run(run.run_id).info.status for run in (parent, record)} == {"KILLED"}
    assert client().get_run(again.run_id).data.tags[RESUMES_TAG] == record.run_id
    assert f"round@2 goes on from MLflow run {record.run_id}" in caplog.text
    with recorded_stage(FACTS, "debug") as third:
        pass
    assert RESUMES_TAG not in client().get_run(third.run_id).data.tags


def test_of_another_machine_s_process_nothing_is_known():
    assert not _is_gone("elsewhere:1:1000")
    assert not _is_gone(_this_process())


def test_a_record_says_what_was_measured_and_where_it_is(store, monkeypatch):
    with recorded_stage(FACTS, "debug") as record:
        record.metrics({"added": 7})
        assert record.measured() == {"added": 7}
        assert record.link() == f"[{record.run_id}]({front_address()}/runs/{record.run_id}) (while `unfont ui` runs)"
        monkeypatch.setattr(type(record._client), "tracking_uri", "http://runs.example.org/")
        number = client().get_run(record.run_id).info.experiment_id
        assert record.link() == (
            f"[{record.run_id}](http://runs.example.org/#/experiments/{number}/runs/{record.run_id})"
        )
