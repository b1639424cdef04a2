"""The experiments on toy faces: eight people of 24 × 32 pixels, two rotations, two seeds, networks of seconds."""

from pathlib import Path
from typing import Any

from tasks.ablation.experiment import Experiment, make_experiment
from tasks.common.params import AblationSettings, Params
from tests.tasks.toycrops import toy_params
from tests.toyfaces import make_toy_faces

ARCHIVE = Path("faces.tar.gz")
SMALL: dict[str, Any] = {
    "height": 24, "width": 32, "filters": [4, 4], "dense": [8, 6], "epochs": 2, "augmented_epochs": 2, "batch": 32,
    "learning_rate": 0.01, "seeds": 2, "rotations": 2, "steps": 8,
}  # fmt: skip


def small_params(**changes: Any) -> Params:
    return toy_params(ablation={**SMALL, **changes})


def toy_experiment(only: str, **changes: Any) -> Experiment:
    """On `ARCHIVE` in the present folder, which is made where it is missing."""
    if not ARCHIVE.exists():
        make_toy_faces(ARCHIVE, moods=("happy", "sad"))
    params = small_params(**changes)
    settings: AblationSettings = params.ablation
    return make_experiment(params, ARCHIVE, settings, only=only)
