"""What rounds write for a report: outcomes, metrics on validation, and the losses of the training examples."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.common.files import read_json, write_json
from tasks.common.params import Params
from tests.toyhome import LABELS, STYLES, make_toy_home
from tests.toymeasures import measure_home

OUTCOMES = ["added", "added", "near-duplicate", "pair full", "nuisance full", "no room", "in training", "set aside"]
BINS = 50


def make_mined_home(folder: Path, *, params: Params, labels: list[str] = LABELS) -> Path:
    """A toy home with all that rounds and evaluation write; the last round stopped."""
    home = make_toy_home(folder, params=params, labels=labels, designs=2 * len(STYLES))
    rng = np.random.default_rng(params.seed)
    for number in ["0", *params.rounds]:
        of_round = home / "rounds" / number
        stopped = number != "0" and _complete(of_round, labels)
        if not stopped:
            write_json(of_round / "examples.json", toy_examples(rng, labels, mined=number != "0"))
    measure_home(home, params)
    return home


def study_of(params: Params, **changes: Any) -> Params:
    """The params with three seeds and controls."""
    study = params.study.model_copy(update={"seeds": 3, "control": True, **changes})
    return params.model_copy(update={"study": study})


def toy_examples(rng: np.random.Generator, labels: list[str], *, mined: bool) -> dict[str, Any]:
    """Easy text, easier background, hard mined crops."""
    groups = {"text": (8, 2, 900)}
    groups |= {"Zxxx": (12, 1, 400)} if labels[-1] == "Zxxx" else {}
    groups |= {"mined": (2, 2, 80)} if mined else {}
    edges = np.linspace(0, 1, BINS + 1)
    counts = {name: np.histogram(rng.beta(a, b, n), edges)[0].tolist() for name, (a, b, n) in groups.items()}
    return {"edges": [round(edge, 6) for edge in edges.tolist()], "groups": counts}


def _complete(folder: Path, labels: list[str]) -> bool:
    """Complete a round's mined.parquet and round.json; whether it stopped."""
    mined = pd.read_parquet(folder / "mined.parquet")
    nuisances = ["waves" if true == labels[-1] else STYLES[n % 3] for n, true in enumerate(mined["true"])]
    outcomes = [OUTCOMES[n % len(OUTCOMES)] for n in range(len(mined))]
    frame = mined.assign(nuisance=pd.Series(nuisances, dtype=object), outcome=pd.Series(outcomes, dtype=object))
    frame.to_parquet(folder / "mined.parquet", index=False)
    numbers = read_json(folder / "round.json")
    rates = (0.16, 0.125) if labels[-1] == "Zxxx" else (None, None)
    numbers |= {"added": outcomes.count("added"), "near_duplicates": outcomes.count("near-duplicate")}
    numbers |= {"set_aside": outcomes.count("set aside"), "severity": "clean", "gain": None}
    numbers["why"] = "nothing to add" if numbers["stopped"] else None
    first, then = (
        {"accuracy": right, "false_positive_rate": rate} for right, rate in zip((0.8, 0.84), rates, strict=True)
    )
    before = then if numbers["previous"] else first
    numbers["validation"] = {"before": before, "after": before if numbers["stopped"] else then}
    write_json(folder / "round.json", numbers)
    return bool(numbers["stopped"])
