"""The influences of a table as one Prefect flow run, with the same numbers as without Prefect."""

from pathlib import Path

import pytest

from flows import influence as flow
from tasks.influence.example import TARGET, write_example
from tasks.influence.explain import explain_table
from tests.tasks.influence.toytable import table_params


def test_where_prefect_watches_it_is_a_flow_run_of_two_tasks(
    store: Path, prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.client.orchestration import get_client

    monkeypatch.setattr(flow, "watched", lambda: True)
    params = table_params(epochs=2, rows=10, path=2)
    write_example(store / "retail.csv", rows=300)
    found = flow.run_influence(params, Path("retail.csv"), out=Path("page.html"), target=TARGET)
    assert found == explain_table(params, Path("retail.csv"), target=TARGET)
    assert (store / "page.html").is_file()
    with get_client(sync_client=True) as api:
        (run,) = [run for run in api.read_flow_runs() if api.read_flow(run.flow_id).name == "influence"]
        tasks = {task.name.rsplit("-", 1)[0] for task in api.read_task_runs() if task.flow_run_id == run.id}
    assert run.state is not None and run.state.is_completed()
    assert tasks == {"explain_table", "write_influence_page"}
