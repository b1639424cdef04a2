"""The influences of a table's variables as text for a terminal."""

from collections.abc import Sequence
from typing import Any

from tasks.pages.environment import percent
from tasks.pages.text_table import aligned
from unfont.text import clip

MOST_VARIABLES, MOST_NEURONS = 40, 6
NO_WORDS = "nothing that stands out"


def format_influence(numbers: dict[str, Any]) -> str:
    """A table of the variables, what the most important neurons fire for, and how far the measures agree."""
    lines = [_score(numbers), "", *_variables(numbers["variables"]), "", *_neurons(numbers["neurons"])]
    lines += ["", _agreement(numbers)]
    if numbers["unlearned"] is not None:
        lines += ["", *_unlearned(numbers["unlearned"])]
    if numbers["row"] is not None:
        lines += ["", *_row(numbers["row"], numbers["target"]["kind"])]
    return "\n".join(lines)


def score_text(score: dict[str, Any]) -> str:
    """'accuracy 91.2% (guess 55.0%)', or 'R² 0.93'."""
    if score["metric"] == "r2":
        return f"R² {score['mean']:.2f}"
    return f"accuracy {percent(score['mean'])} (best guess {percent(score['guess'])})"


def _score(numbers: dict[str, Any]) -> str:
    target = numbers["target"]
    kind = f"{len(target['labels'])} classes" if target["labels"] else "a number"
    rows = f"{numbers['held_out']:,} rows held out, {numbers['seeds']} trainings"
    return f"{clip(target['name'])} ({kind}): {score_text(numbers['score'])} on {rows}"


def _variables(variables: Sequence[dict[str, Any]]) -> list[str]:
    lines = [["variable", "influence", "± seeds", "conductance", "permutation", "±"]]
    for each in variables[:MOST_VARIABLES]:
        spread = (max(each["share_by_seed"]) - min(each["share_by_seed"])) / 2
        numbers = [percent(each["share"]), percent(spread), percent(each["conductance"])]
        loss = [f"{each['permutation']:+.4f}", f"{each['permutation_deviation']:.4f}"]
        note = [] if each["measurable"] else ["no measurable influence"]
        lines.append([clip(each["name"], 40), *numbers, *loss, *note])
    more = len(variables) - MOST_VARIABLES
    return [*aligned(lines, numbers=True), *([f"and {more} more with less influence"] if more > 0 else [])]


def _neurons(neurons: Sequence[dict[str, Any]]) -> list[str]:
    last = [each for each in neurons if each["layer"] == neurons[-1]["layer"]]
    strongest = sorted(last, key=lambda each: -each["share"])[:MOST_NEURONS]
    lines = [["neuron", "share", "fires for", "precision"]]
    for each in strongest:
        name = f"{each['layer']} {each['unit']}"
        precision = percent(each["precision"], 0) if each["words"] else ""
        lines.append([name, percent(each["share"]), each["words"] or NO_WORDS, precision])
    return list(aligned(lines))


def _agreement(numbers: dict[str, Any]) -> str:
    tau, stable = numbers["agreement"]["integrated_gradients_and_permutation"], numbers["stability"]["mean"]
    known = [
        f"{what} {value:.2f}"
        for what, value in (("of influence and permutation", tau), ("of two seeds", stable))
        if value is not None
    ]
    return f"Kendall's tau {', '.join(known)}" if known else "one variable alone has no ranking"


def _unlearned(found: dict[str, Any]) -> list[str]:
    lines = [["mode", "score", "probe accuracy", "excess"]]
    for mode, each in found["modes"].items():
        lines.append([mode, f"{each['score']:.3f}", percent(each["accuracy"]), f"{each['excess_points']:.1f} points"])
    return [f"{clip(found['nuisance'])}: guess {percent(found['guess'])} from the target alone", *aligned(lines)]


def _row(row: dict[str, Any], kind: str) -> list[str]:
    predicted = row["predicted"]
    p = f" (p {predicted['p']:.2f})" if "p" in predicted else ""
    trained = ", a row of training" if row["trained_on"] else ""
    value = f"{predicted['value']:.4g}" if kind == "number" else clip(predicted["value"])
    lines = [["variable", "value", "evidence"]]
    lines += [
        [clip(each["name"], 40), clip(each["value"], 30), f"{each['evidence']:+.4g}"]
        for each in row["variables"][:MOST_VARIABLES]
    ]
    said = f"row {row['number']}{trained}: predicted {value}{p}, true {clip(row['truth'], 30) or 'unknown'}"
    return [said, *aligned(lines)]
