"""MLflow finds artifacts beside its SQLite file, through the plug-in that the installation registers."""

import subprocess
import sys

import mlflow
import pytest

from tasks.common.mlflow_store import experiment_of, use_store


def test_an_address_that_leads_out_of_the_folder_is_refused(store):
    use_store()
    (store / "secret.txt").write_text("secret")
    with mlflow.start_run(experiment_id=experiment_of("debug")):
        mlflow.log_text("a", "a.txt")
    for wrong in ("mlflow-artifacts:/../../secret.txt", "mlflow-artifacts:/%2e%2e/%2e%2e/secret.txt"):
        with pytest.raises(mlflow.MlflowException):
            mlflow.artifacts.download_artifacts(wrong)


def test_it_leaves_the_code_of_a_logged_model_to_the_model():
    code = "import apps.mlflow_artifacts, sys; sys.exit(any(name in sys.modules for name in ('tasks', 'unfont')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
