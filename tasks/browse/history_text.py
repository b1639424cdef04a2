"""One crop's story in words, as `unfont history` prints it."""

from collections.abc import Iterator
from typing import Any

from tasks.browse.terminal import WIDEST, render_picture
from tasks.common.text import clip
from tasks.crop_table.png import Pixels
from tasks.crop_table.splits import POOL
from tasks.mine.select import OUTCOMES
from tasks.pages.text_table import aligned

SHORT = 12  # digits of a key or of weights
INDENT = "  "

Facts = dict[str, Any]


def format_story(story: Facts, *, picture: Pixels | None, colour: bool, columns: int = WIDEST) -> str:
    """The story of `tasks.browse.history.story_of` as lines, without a newline at the end.

    Args:
        picture: uint8 [height, width] or [height, width, 3], drawn above it, or None.
        colour: draw the picture in colours, for a terminal; else in plain characters.
        columns: the picture's most, in characters.
    """
    lines = [] if picture is None else [render_picture(picture, colour=colour, columns=columns), ""]
    lines += [f"{story['key']}, a crop of '{story['problem']}'", *_indented(_what_it_is(story))]
    lines += [*_rounds(story), "", "evaluation", *_indented(_evaluation(story["evaluation"], story["crop"]["split"]))]
    return "\n".join(lines)


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)


def _what_it_is(story: Facts) -> Iterator[str]:
    rows = {name: _value(value) for name, value in story["crop"].items() if name not in ("key", "pair")}
    for name, roles in story["roles"].items():
        if name in rows:
            rows[name] += f" ({' and '.join(roles)})"
    rows["pair"] = _pair(story)
    wide = max(len(name) for name in rows)
    yield from (f"{name.ljust(wide)}  {value}" for name, value in rows.items())
    if story["decision"] is not None:
        label = story["decision"]
        yield f"a person decided: {f'its label is {_value(label)}' if label else 'it is to be left out of training'}"


def _pair(story: Facts) -> str:
    others = [
        f"{each['key'][:SHORT]} ({', '.join(_value(value) for name, value in each.items() if name != 'key')})"
        for each in story["pair_crops"]
    ]
    if story["crop"]["pair"] is None:
        return _value(None)
    return f"{_value(story['crop']['pair'])}, with {', '.join(others) or 'no other crop'}"


def _value(value: Any) -> str:
    """One short, harmless line: labels and names are a user's."""
    if value is None or value == "":
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else clip(value)


def _rounds(story: Facts) -> Iterator[str]:
    kept_out = story["evaluation"] is not None and not any(_touched(told) for told in story["rounds"])
    if kept_out:
        yield from ("", "rounds", f"{INDENT}none read it: they learn from train and pool alone")
        return
    for told in story["rounds"]:
        yield from ("", f"round {told['round']}", *_indented(_round(told, story)))


def _touched(told: Facts) -> bool:
    return any(told.get(what) for what in ("scored", "mined", "suspected", "training"))


def _round(told: Facts, story: Facts) -> Iterator[str]:
    if not told["ran"]:
        yield "not known yet: this round has not run"
        return
    if told["stopped"]:
        why = f" ({told['why']})" if told["why"] else ""
        yield f"the rounds stopped here{why}: the model before stays"
    if told["scored"]:
        yield from _scored(told["scored"], told["previous"])
    elif story["crop"]["split"] == POOL and told["round"] > 0 and not told["stopped"]:
        yield "not known what the model before said: the round has no score of this crop"
    if told["mined"]:
        yield from _false_positive(told["mined"])
    elif told["scored"] and told["scored"]["predicted"] != told["scored"]["true"]:
        decided = "" if story["decision"] is None else ", or is right by what a person decided"
        yield f"no false positive: the model was less sure than mine.threshold{decided}"
    if told["suspected"]:
        yield _suspicion(**told["suspected"])
    yield _training(told["training"])


def _scored(scored: Facts, previous: int | None) -> Iterator[str]:
    model = "the model before" if previous is None else f"the model of round {previous}"
    verdict = "right" if scored["predicted"] == scored["true"] else f"wrong: it is {_value(scored['true'])}"
    yield (
        f"{model} (weights {_sha(scored['weights'])}) said {_value(scored['predicted'])}"
        f" with p {scored['p']:.3f}, which is {verdict}"
    )
    facts = f"p(true) {scored['p_true']:.3f}, margin {scored['margin']:.3f}, loss {scored['loss']:.3f}"
    yield f"{facts}; severity {_value(scored['severity'])}"


def _suspicion(*, given: str, suggested: str, p_given: float, p_suggested: float) -> str:
    told = f"{_value(given)} is given (p {p_given:.3f}), {_value(suggested)} is suggested (p {p_suggested:.3f})"
    return f"its label is suspected: {told}"


def _false_positive(mined: Facts) -> Iterator[str]:
    yield f"a false positive: {_value(mined['predicted'])} for {_value(mined['true'])}, style {_value(mined['style'])}"
    near = mined.get("near")
    of = f": the nearest is {near['key'][:SHORT]}, at cosine distance {near['distance']:.4f}" if near else ""
    yield f"{OUTCOMES[mined['outcome']].told}{of}"


def _training(training: Facts | None) -> str:
    if training is None:
        return "not in its training set"
    told = f"in its training set since round {training['round']}"
    if training["weights"] is None:
        return f"{told}: a crop to start with, which no model chose"
    score = "no score" if training["score"] is None else f"score {training['score']:.3f}"
    return f"{told}: brought in by weights {_sha(training['weights'])}, {score}"


def _evaluation(evaluation: Facts | None, split: str) -> Iterator[str]:
    if evaluation is None:
        yield f"none: models are measured on crops that no round reads, and {split} is read"
    elif not evaluation["evaluated"]:
        yield "not known yet: no model has been evaluated"
    elif not evaluation["answers"]:
        yield "the predictions have no such crop: evaluate again (unfont evaluate)"
    else:
        yield from _answers(evaluation["answers"], evaluation["chosen"])


def _answers(answers: list[Facts], chosen: str | None) -> Iterator[str]:
    """A row a model, a column a severity."""
    severities = list(dict.fromkeys(each["severity"] for each in answers))
    cells = {(each["model"], each["severity"]): _answer(each) for each in answers}
    rows = [["", "model", *severities]]
    for model in dict.fromkeys(each["model"] for each in answers):
        said = [cells.get((model, severity), "") for severity in severities]
        rows.append(["*" if model == chosen else "", _value(model), *said])
    yield from aligned(rows)
    yield "* the chosen model; ! a wrong answer"


def _answer(answer: Facts) -> str:
    return f"{_value(answer['predicted'])} {answer['p']:.3f}{'' if answer['predicted'] == answer['true'] else ' !'}"


def _sha(weights: str | None) -> str:
    return weights[:SHORT] if weights else "not known"
