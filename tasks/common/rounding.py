"""Numbers rounded for JSON."""

import math
from typing import Any


def rounded(value: Any, digits: int) -> Any:
    """`value` with every float in it, however deep, rounded; NaN, which JSON lacks, is None."""
    if isinstance(value, dict):
        return {name: rounded(each, digits) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each, digits) for each in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, digits)
    return value
