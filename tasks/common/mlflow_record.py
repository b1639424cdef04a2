"""What is written to one MLflow run."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.common.files import read_json, sha256_of
from tasks.common.front_address import front_address


class Record:
    """One MLflow run that a stage writes to; the run's id is passed, never the thread's active run."""

    def __init__(self, run_id: str) -> None:
        from mlflow.tracking import MlflowClient

        self.run_id = run_id
        self._client = MlflowClient()

    def params(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        flat = [Param(key, str(value)[:6000]) for key, value in _flat(values)]
        for start in range(0, len(flat), 100):
            self._client.log_batch(self.run_id, params=flat[start : start + 100])

    def metrics(self, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(
            self.run_id, metrics=[Metric(metric_name(key), float(value), now, 0) for key, value in values.items()]
        )

    def inputs(self, data: Mapping[str, str]) -> None:
        """What the stage read, with DVC's bare hash as digest (MLflow allows 36 characters)."""
        from mlflow.entities import Dataset, DatasetInput

        inputs = [
            DatasetInput(Dataset(name=path, digest=digest[:36], source_type="local", source=f'{{"uri": "{path}"}}'))
            for path, digest in data.items()
        ]
        if inputs:
            self._client.log_inputs(self.run_id, datasets=inputs)

    def training(self, folder: Path, summary: Mapping[str, float]) -> None:
        """A trained model's curves and their figure, its other metrics, and the hash of its weights as a tag."""
        from tasks.common.mlflow_figures import draw_training

        self._client.set_tag(self.run_id, "weights_sha256", sha256_of(folder / "model.safetensors"))
        epochs = read_json(folder / "history.json")["epochs"]
        self.metrics({key: value for key, value in summary.items() if not epochs or key not in epochs[-1]})
        self.curves(epochs)
        if epochs:
            self._client.log_figure(self.run_id, draw_training(epochs), "training.png")

    def curves(self, epochs: Sequence[Mapping[str, Any]]) -> None:
        """Every metric of a training's history, a point an epoch."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(metric_name(key), float(value), now, int(epoch["epoch"]))
            for epoch in epochs
            for key, value in epoch.items()
            if key != "epoch" and value is not None
        ]
        for start in range(0, len(metrics), 1000):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + 1000])

    def figure(self, figure: Any, name: str) -> None:
        self._client.log_figure(self.run_id, figure, name)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        if path.is_dir():
            self._client.log_artifacts(self.run_id, str(path), folder)
        else:
            self._client.log_artifact(self.run_id, str(path), folder)

    def measured(self) -> dict[str, float]:
        """The last value of every metric so far."""
        return dict(self._client.get_run(self.run_id).data.metrics)

    def link(self) -> str:
        """The run in Markdown: its id, linked to its page on the tracking server, or by way of `unfont ui`."""
        store = self._client.tracking_uri
        if not store.startswith("http"):
            return f"[{self.run_id}]({front_address()}/runs/{self.run_id}) (while `unfont ui` runs)"
        experiment = self._client.get_run(self.run_id).info.experiment_id
        return f"[{self.run_id}]({store.rstrip('/')}/#/experiments/{experiment}/runs/{self.run_id})"

    def tag(self, key: str, value: str) -> None:
        self._client.set_tag(self.run_id, key, value)


def metric_name(key: str) -> str:
    """`key` as MLflow takes a metric's name: without the plus sign of a sum of modes (`conditional-and-pairs`)."""
    return key.replace("+", "-and-")


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
