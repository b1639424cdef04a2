import sqlite3

import pytest

from tasks.common.mlflow_store import client
from tasks.predict import champion
from tasks.predict.champion import NoModelYetError, artifacts_of_version, find_model
from tests.toyhome import toy_params
from unfont.errors import UserError

PARAMS = toy_params()


def ask_in_vain(times):
    for _ in range(times):
        with pytest.raises(NoModelYetError):
            find_model(PARAMS)


def test_mlflow_is_asked_again_only_where_its_file_changed(store, monkeypatch):
    ask, asked = champion._ask, []
    monkeypatch.setattr(champion, "_ask", lambda name: asked.append(name) or ask(name))
    ask_in_vain(2)
    assert asked == ["unfont"]
    client().create_registered_model("another")
    ask_in_vain(2)
    assert asked == ["unfont"] * 2


def test_what_is_written_while_mlflow_answers_is_asked_for_the_next_time(store, monkeypatch):
    asked = []

    def ask(name):
        if not asked:
            with sqlite3.connect(store / "mlflow" / "mlflow.db") as base:
                base.execute("CREATE TABLE written_meanwhile (a)")
        asked.append(name)

    monkeypatch.setattr(champion, "_ask", ask)
    ask_in_vain(3)
    assert len(asked) == 2


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
