"""Params for tables that a tiny network learns in a second, and the example with what was measured of it."""

from typing import Any

from tasks.common.params import Params
from tests.tasks.toycrops import toy_params

SMALL = {"hidden": [24], "embedding": 12, "epochs": 20, "seeds": 2, "rows": 100, "path": 8, "repeats": 2}


def table_params(**changes: Any) -> Params:
    """The committed params with a small network; `changes` are those of its section."""
    return toy_params(influence=SMALL | changes, probe={"train": 800, "test": 300, "epochs": 4})
