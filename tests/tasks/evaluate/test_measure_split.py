"""What a choice between models rests on."""

import pandas as pd

from tasks.common.params import EvaluateSettings, ProblemSettings
from tasks.evaluate.measure_split import EvaluationProtocol, ModelDetails

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design", source="drawn")
SETTINGS = EvaluateSettings(batch=8, cell_crops=4, resamples=100, confidence=0.9)


def rows(script: str, style: str, designs: list[str], right: int, wrong: int) -> pd.DataFrame:
    predicted = [script] * right + ["Zxxx"] * wrong
    columns = {"true": script, "predicted": predicted, "font_style": style}
    return pd.DataFrame({**columns, "design": [designs[n % len(designs)] for n in range(len(predicted))]})


def test_a_style_counts_where_some_script_has_enough_crops_and_two_designs():
    text = pd.concat([
        rows("Latn", "serif", ["a", "b"], 3, 1),
        rows("Grek", "serif", ["a", "b"], 5, 5),
        rows("Latn", "display", ["c"], 9, 0),
        rows("Latn", "handwriting", ["d", "e"], 2, 1),
    ])  # fmt: skip
    protocol = EvaluationProtocol(labels=PROBLEM, settings=SETTINGS, thin=[], thresholds={})
    assert protocol.rests_on(text) == {
        "display": None,
        "handwriting": None,
        "serif": {"accuracy": (3 / 4 + 5 / 10) / 2, "cells": 2, "n": 14},
    }
    without = PROBLEM.model_copy(update={"nuisances": []})
    assert EvaluationProtocol(labels=without, settings=SETTINGS, thin=[], thresholds={}).rests_on(text) == {}


def test_a_script_that_is_not_learned_is_in_the_confusions_alone():
    """Latn 3 of 4 right; Zzzz never, in the same style and a family of its own."""
    learned, others = rows("Latn", "serif", ["a", "b"], 3, 1), rows("Zzzz", "serif", ["Zzzz:Cher", "Zzzz:Goth"], 0, 8)
    every = pd.concat([learned.assign(font_family="a"), others.assign(font_family="b")], ignore_index=True)
    every = every.assign(p=0.9, p_raw=0.8)
    protocol = EvaluationProtocol(labels=PROBLEM, settings=SETTINGS, thin=[], thresholds={})
    details = ModelDetails.of_rows(every, protocol, 0.5)
    assert details.right.tolist() == [True, True, True, False]
    assert details.groups["by_nuisance"]["font_style"]["values"] == {"serif": {"accuracy": 0.75, "cells": 1, "n": 4}}
    assert [(one["family"], one["accuracy"]) for one in details.groups["worst_families"]] == [("a", 0.75)]
    assert set(details.reliability["n"]) == {4} and set(details.reliability["accuracy"]) == {0.75}
    assert details.confusion["actual"].value_counts().to_dict() == {"Zzzz": 8, "Latn": 4}
