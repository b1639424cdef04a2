"""Influence: not a stage but networks for a table of the user's, beside the pipeline."""

from pathlib import Path
from typing import Any

from flows.stage import step, watched
from tasks.common.mlflow_runs import recorded_pipeline
from tasks.common.params import Params
from tasks.influence.explain import explain_table
from tasks.influence.page import write_influence_page

EXPERIMENT = "influence"  # in MLflow: a table belongs to no problem


def run_influence(params: Params, table: Path, *, out: Path, **asked: Any) -> dict[str, Any]:
    """Measure a table's influences and write their page at `out`: a flow run where Prefect watches.

    Args:
        asked: `target`, and `nuisance`, `mode` and `row` as `explain_table` has them.

    Returns:
        What `explain_table` does.
    """

    def influence() -> dict[str, Any]:
        """Which variables of a table drive a network, its outputs and its neurons."""
        values = {"table": str(table), **asked, "settings": params.influence.model_dump()}
        with recorded_pipeline("influence", values, EXPERIMENT) as record:
            numbers = step(explain_table)(params, table, **asked)
            step(write_influence_page)(out, numbers, settings=params.influence.model_dump())
            record.metrics(_metrics(numbers))
            record.artifact(out)
        return numbers

    if not watched():
        return influence()
    from prefect import flow

    return flow(name="influence", persist_result=False)(influence)()


def _metrics(numbers: dict[str, Any]) -> dict[str, float]:
    found = {
        numbers["score"]["metric"]: numbers["score"]["mean"],
        "completeness_error": numbers["completeness_error"],
        "stability": numbers["stability"]["mean"],
        **{f"kendall_tau.{name}": value for name, value in numbers["agreement"].items()},
    }
    unlearned = (numbers["unlearned"] or {}).get("modes", {})
    found |= {f"excess_points.{mode}": each["excess_points"] for mode, each in unlearned.items()}
    return {name: value for name, value in found.items() if value is not None}
