"""What a viewer wants to see of the present picture."""

from typing import Any

from pydantic import Field

from models.explain.deconv import Rule
from models.settings import DegradeSettings, Settings
from tasks.live.maps import Contrast


class View(Settings):
    """The choices of the page.

    `layer` and `unit` are shown large, with the attribution of the unit by `rule`. `window` is the number of the
    picture's window that the layers are shown of. `target` is the label that Grad-CAM explains, the predicted one if
    None. `degrade` are the strengths of the degradations, `seed` chooses among their random numbers.
    """

    layer: str | None = Field(default=None, max_length=500)
    unit: int = Field(default=0, ge=0)
    window: int = Field(default=0, ge=0)
    contrast: Contrast = "layer"
    rule: Rule | None = None
    grad_cam: bool = False
    target: int | None = Field(default=None, ge=0)
    whole: bool = False
    overview: bool = False
    style: bool = False
    degrade: DegradeSettings = Field(default_factory=lambda: DegradeSettings(**NONE))
    seed: int = Field(default=0, ge=0, le=999)


NONE: dict[str, Any] = dict.fromkeys(DegradeSettings.model_fields, 0.0)


def strongest(name: str) -> float:
    """The largest strength that a degradation's slider has: what its setting allows."""
    bounds = [getattr(each, "le", getattr(each, "lt", None)) for each in DegradeSettings.model_fields[name].metadata]
    most = next(bound for bound in bounds if bound is not None)
    return 0.95 if most == 1 else float(most)
