"""Register: not a stage; it runs after each choice. It is idempotent: the same weights are registered once."""

from pathlib import Path
from typing import Any

from tasks.common.params import Params

SERVED_MODEL = Path(__file__).resolve().parent.parent / "apps" / "served_model.py"


def register_chosen(params: Params) -> dict[str, Any]:
    """Register the chosen model and move the champion alias where it is significantly better."""
    from tasks.common.mlflow_runs import use_store
    from tasks.predict.register import register_model

    use_store()
    return register_model(params, home=params.home, table=params.home / "table", served_model=SERVED_MODEL)
