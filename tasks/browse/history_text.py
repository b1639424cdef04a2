"""One crop's provenance as text, as `unfont history` prints it."""

from collections.abc import Iterator
from typing import Any

from tasks.browse.terminal import WIDEST, render_picture
from tasks.crop_table.png import Pixels
from tasks.crop_table.splits import POOL
from tasks.mine.select import OUTCOMES
from tasks.pages.text_table import aligned
from unfont.text import clip

SHORT = 12  # digits of a key or of weights
INDENT = "  "

Facts = dict[str, Any]


def format_history(history: Facts, *, picture: Pixels | None, colour: bool, columns: int = WIDEST) -> str:
    """The values of `tasks.browse.history.history_of` as lines, without a newline at the end.

    Args:
        picture: uint8 [height, width] or [height, width, 3], printed above the text, or None.
        colour: print the picture in colours, for a terminal; else in plain characters.
        columns: the picture's largest width, in characters.
    """
    lines = [] if picture is None else [render_picture(picture, colour=colour, columns=columns), ""]
    lines += [f"{history['key']}, a crop of '{history['problem']}'", *_indented(_labels(history))]
    evaluation = _evaluation(history["evaluation"], history["crop"]["split"])
    lines += [*_rounds(history), "", "evaluation", *_indented(evaluation)]
    return "\n".join(lines)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)


def _labels(history: Facts) -> Iterator[str]:
    rows = {name: _value(value) for name, value in history["crop"].items() if name not in ("key", "pair")}
    for name, roles in history["roles"].items():
        if name in rows:
            rows[name] += f" ({' and '.join(roles)})"
    rows["pair"] = _pair(history)
    wide = max(len(name) for name in rows)
    yield from (f"{name.ljust(wide)}  {value}" for name, value in rows.items())
    if history["decision"] is not None:
        label = history["decision"]
        yield f"a person decided: {f'its label is {_value(label)}' if label else 'it is excluded from training'}"


def _pair(history: Facts) -> str:
    others = [
        f"{each['key'][:SHORT]} ({', '.join(_value(value) for name, value in each.items() if name != 'key')})"
        for each in history["pair_crops"]
    ]
    if history["crop"]["pair"] is None:
        return _value(None)
    return f"{_value(history['crop']['pair'])}, with {', '.join(others) or 'no other crop'}"


def _value(value: Any) -> str:
    """One short line, escaped: labels and names come from the user."""
    if value is None or value == "":
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else clip(value)


def _rounds(history: Facts) -> Iterator[str]:
    unused = history["evaluation"] is not None and not any(_is_used(one) for one in history["rounds"])
    if unused:
        yield from ("", "rounds", f"{INDENT}not used: rounds use train and pool only")
        return
    for one in history["rounds"]:
        yield from ("", f"round {one['round']}", *_indented(_round(one, history)))


def _is_used(one: Facts) -> bool:
    return any(one.get(what) for what in ("scored", "mined", "suspected", "training"))


def _round(one: Facts, history: Facts) -> Iterator[str]:
    if not one["ran"]:
        yield "unknown: this round has not run yet"
        return
    if one["stopped"]:
        why = f" ({one['why']})" if one["why"] else ""
        yield f"the rounds stopped here{why}: the model of the round before is kept"
    if one["scored"]:
        yield from _scored(one["scored"], one["previous"])
    elif history["crop"]["split"] == POOL and one["round"] > 0 and not one["stopped"]:
        yield "no prediction: the round has no score of this crop"
    if one["mined"]:
        yield from _false_positive(one["mined"])
    elif one["scored"] and one["scored"]["predicted"] != one["scored"]["true"]:
        decided = "" if history["decision"] is None else ", or the person's label agrees with it"
        yield f"not a false positive: its probability is below mine.threshold{decided}"
    if one["suspected"]:
        yield _suspicion(**one["suspected"])
    yield _training(one["training"])


def _scored(scored: Facts, previous: int | None) -> Iterator[str]:
    model = "the model before" if previous is None else f"the model of round {previous}"
    verdict = "correct" if scored["predicted"] == scored["true"] else f"wrong: it is {_value(scored['true'])}"
    yield (
        f"{model} (weights {_sha(scored['weights'])}) predicted {_value(scored['predicted'])}"
        f" with p {scored['p']:.3f}, {verdict}"
    )
    facts = f"p(true) {scored['p_true']:.3f}, margin {scored['margin']:.3f}, loss {scored['loss']:.3f}"
    yield f"{facts}; severity {_value(scored['severity'])}"


def _suspicion(*, given: str, suggested: str, p_given: float, p_suggested: float) -> str:
    labels = f"{_value(given)} is given (p {p_given:.3f}), {_value(suggested)} is suggested (p {p_suggested:.3f})"
    return f"its label is suspected to be wrong: {labels}"


def _false_positive(mined: Facts) -> Iterator[str]:
    named = {name: _value(mined[name]) for name in ("predicted", "true", "nuisance")}
    yield "a false positive: {predicted} for {true}, nuisance {nuisance}".format(**named)
    near = mined.get("near")
    of = f": the nearest is {near['key'][:SHORT]}, at cosine distance {near['distance']:.4f}" if near else ""
    yield f"{OUTCOMES[mined['outcome']].sentence}{of}"


def _training(training: Facts | None) -> str:
    if training is None:
        return "not in its training set"
    since = f"in its training set since round {training['round']}"
    if training["weights"] is None:
        return f"{since}: an initial crop, selected by no model"
    score = "no score" if training["score"] is None else f"score {training['score']:.3f}"
    return f"{since}: added by weights {_sha(training['weights'])}, {score}"


def _evaluation(evaluation: Facts | None, split: str) -> Iterator[str]:
    if evaluation is None:
        yield f"none: models are evaluated on splits that no round uses, and {split} is used"
    elif not evaluation["evaluated"]:
        yield "unknown: no model has been evaluated yet"
    elif not evaluation["predictions"]:
        yield "the predictions do not have this crop: evaluate again (unfont evaluate)"
    else:
        yield from _predictions(evaluation["predictions"], evaluation["chosen"])


def _predictions(predictions: list[Facts], chosen: str | None) -> Iterator[str]:
    """A row for each model, a column for each severity."""
    severities = list(dict.fromkeys(each["severity"] for each in predictions))
    cells = {(each["model"], each["severity"]): _prediction(each) for each in predictions}
    rows = [["", "model", *severities]]
    for model in dict.fromkeys(each["model"] for each in predictions):
        row = [cells.get((model, severity), "") for severity in severities]
        rows.append(["*" if model == chosen else "", _value(model), *row])
    yield from aligned(rows)
    yield "* the chosen model; ! a wrong prediction"


def _prediction(prediction: Facts) -> str:
    mark = "" if prediction["predicted"] == prediction["true"] else " !"
    return f"{_value(prediction['predicted'])} {prediction['p']:.3f}{mark}"


def _sha(weights: str | None) -> str:
    return weights[:SHORT] if weights else "unknown"
