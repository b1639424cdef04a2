"""Register: not a stage; it runs after each choice. It is idempotent: the same weights are registered once."""

from pathlib import Path
from typing import Any

from tasks.common.params import Params

SERVED_MODEL = Path(__file__).resolve().parent.parent / "apps" / "served_model.py"


def register_chosen(params: Params) -> dict[str, Any]:
    """Register the chosen model and move the champion alias where it is significantly better."""
    from flows.fonts import OUT as FONTS
    from tasks.common.mlflow_store import use_store
    from tasks.predict.champion import find_model
    from tasks.predict.register import register_model
    from tasks.predict.shipped import compare_with_shipped

    use_store()
    table = params.home / "table"
    registered = register_model(params, home=params.home, table=table, served_model=SERVED_MODEL, fonts=FONTS)
    return registered | {"shipped": compare_with_shipped(params, find_model(params), table=table)}
