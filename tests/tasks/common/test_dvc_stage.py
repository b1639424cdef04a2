from pathlib import Path

import pytest

from tasks.common.dvc_stage import StageFacts

FACTS = StageFacts(
    address="round@1", item="1", params={"seed": 0}, data={"table": "abc"}, code=["code.py", "mine"], outs=[]
)


@pytest.fixture
def stage(here: Path) -> StageFacts:
    (here / "code.py").write_text("one = 1")
    (here / "mine" / "deeper").mkdir(parents=True)
    (here / "mine" / "list.csv").write_text("a")
    return FACTS


@pytest.mark.parametrize("path", ["code.py", "mine/list.csv", "mine/new.csv", "mine/deeper/new.csv"])
def test_a_stage_has_another_workplace_when_its_code_or_the_users_own_files_change(stage: StageFacts, path: str):
    before = stage.work()
    assert stage.work() == before
    Path(path).write_text("changed")
    assert stage.work() != before


def test_what_python_makes_of_code_is_no_code(stage: StageFacts):
    before = stage.work()
    (Path("mine") / "deeper" / "__pycache__").mkdir()
    (Path("mine") / "deeper" / "__pycache__" / "module.pyc").write_text("compiled")
    assert stage.work() == before


def test_a_stage_has_another_workplace_when_its_params_or_data_change(stage: StageFacts):
    others = [
        StageFacts(**{**vars(stage), "params": {"seed": 1}}),
        StageFacts(**{**vars(stage), "data": {"table": "abd"}}),
        StageFacts(**{**vars(stage), "address": "round@2"}),
    ]
    assert len({each.work().name for each in (stage, *others)}) == 4
