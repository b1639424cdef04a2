import pytest

from tasks.predict.champion import artifacts_of_version
from unfont.errors import UserError


def test_files_in_the_folder_before_a_move_are_neither_read_nor_touched(here, monkeypatch):
    before = here / "before" / "mlflow" / "artifacts" / "models" / "m-1"
    (before / "artifacts").mkdir(parents=True)

    class Client:
        def get_model_version_download_uri(self, name, version):
            return before.as_uri()

    (here / "after").mkdir()
    monkeypatch.chdir(here / "after")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("tasks.predict.champion.client", Client)
    with pytest.raises(UserError, match=r"moved from.*unfont register"):
        artifacts_of_version("unfont", 1)
    assert list(before.iterdir()) == [before / "artifacts"]
