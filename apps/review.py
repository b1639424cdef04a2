"""`unfont review`: suspected label errors of the user's own pictures, and a person's decisions on them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tasks.browse.review_page import write_review_page
from tasks.common.params import Params, read_params
from tasks.crop_table.origins import USER
from tasks.crop_table.shards import read_rows
from tasks.crop_table.splits import TRAINING_SPLITS
from tasks.mine.review import (
    LEFT_OUT,
    add_decisions,
    as_label,
    check_labels,
    decisions_path,
    pending,
    read_decisions,
    resolve,
    suspects_of,
)
from unfont.errors import UserError
from unfont.text import clip

LISTED = 40  # suspects, the most that are listed; the page has more
DIGITS = 12  # of a key that is shown
RENDERED = "every crop's label is known: it was rendered"


def review(
    *, accept: Sequence[str] = (), correct: Sequence[str] = (), drop: Sequence[str] = (), decided: Path | None = None
) -> None:
    """Keep what is decided, then list what is open and write the page of its pictures.

    Args:
        accept: keys whose given label is right.
        correct: `KEY=LABEL`, or `KEY` that takes the suggestion.
        drop: keys of crops to leave out.
        decided: a CSV file with more decisions, as the page saves it.

    Raises:
        UserError: a key, a label or the file is wrong; then nothing is kept.
    """
    params = read_params()
    deciding = bool(accept or correct or drop or decided)
    if not params.labels.brings:
        if deciding:
            where = f"problem {params.problem}"
            raise UserError(f"there is nothing to review: {RENDERED}", where=where, fix="bring in pictures of your own")
        print(f"nothing to review in {params.problem}: {RENDERED}")
        return
    own, labels = _own_crops(params)
    if deciding:
        crops = _Reviewable(params.home, own, labels)
        rows = crops.decide(accept=accept, correct=correct, drop=drop, decided=decided)
        add_decisions(decisions_path(params.problem), rows)
        print(f"{len(rows)} decided, kept in {decisions_path(params.problem)}")
        print("`unfont run` applies them from round 1 on")
    _show(params, labels, listed=not deciding)


class _Reviewable:
    """The crops that a person may decide on, with their given and suggested labels."""

    def __init__(self, home: Path, own: dict[str, str], labels: list[str]) -> None:
        suspects = suspects_of(home)
        self.suggested = dict(zip(suspects["key"], suspects["suggested"], strict=True))
        self.given = own | dict(zip(suspects["key"], suspects["given"], strict=True))
        self.labels = labels

    def decide(
        self, *, accept: Sequence[str], correct: Sequence[str], drop: Sequence[str], decided: Path | None
    ) -> pd.DataFrame:
        """All decisions, as `key, label`."""
        rows = [(key, self.given[key]) for key in map(self._key, accept)]
        rows += [self._corrected(text) for text in correct]
        rows += [(self._key(text), LEFT_OUT) for text in drop]
        decisions = pd.DataFrame(rows, columns=["key", "label"], dtype="str")
        check_labels(decisions, self.labels, where="--correct")
        if decided is not None:
            decisions = pd.concat([self._saved(decided), decisions], ignore_index=True)
        decisions = decisions.drop_duplicates()
        repeated = decisions[decisions["key"].duplicated()]
        if len(repeated):
            key = repeated["key"].iloc[0]
            raise UserError("two decisions on one crop", where=key[:DIGITS], fix="decide it once; nothing was kept")
        return decisions

    def _key(self, text: str) -> str:
        return resolve(text, self.given)

    def _corrected(self, text: str) -> tuple[str, str]:
        start, equals, after = text.partition("=")
        key, label = self._key(start), as_label(after)
        if equals and not label:
            raise UserError(
                "there is no label", where=f"--correct {text!r:.80}", fix="name it; --drop leaves a crop out"
            )
        if not equals and key not in self.suggested:
            fix = f"name the right one: --correct {start}=LABEL"
            raise UserError("no label is suggested for this crop", where=key[:DIGITS], fix=fix)
        return key, label if equals else self.suggested[key]

    def _saved(self, path: Path) -> pd.DataFrame:
        if not path.is_file():
            fix = "name the file that the page saved; browsers put it in their folder of downloads"
            raise UserError("there is no such file", where=path, fix=fix)
        saved = read_decisions(path)
        for key in saved["key"]:
            if key not in self.given:
                what = f"{key[:DIGITS]} is no suspected crop, and none of your own in train or pool"
                raise UserError(what, where=path, fix="remove its line; nothing was kept")
        check_labels(saved, self.labels, where=path)
        return saved


def _own_crops(params: Params) -> tuple[dict[str, str], list[str]]:
    """The label of every own crop of `train` and `pool` by key, and all labels that crops have there, sorted."""
    target = params.labels.target
    rows = read_rows(params.home / "table", ["key", target, "origin"], TRAINING_SPLITS)
    own = rows[rows["origin"] == USER]
    return dict(zip(own["key"], own[target], strict=True)), sorted(rows[target].dropna().unique())


def _show(params: Params, labels: list[str], *, listed: bool) -> None:
    """Print how many are open, list them if asked to, and write their page."""
    home = params.home
    if not any(path.parent.name != "0" for path in home.glob("rounds/*/round.json")):
        print("no round has run yet, so nothing is suspected: unfont run")
        return
    if not any(home.glob("rounds/*/review.parquet")):
        print("no round has looked for wrong labels: set mine.folds above 1 in params.yaml, then unfont run")
        return
    decisions = read_decisions(decisions_path(params.problem))
    found = pending(home, decisions)
    print(f"{len(found)} suspected labels are open, {len(decisions)} are decided")
    if listed:
        _list(found)
    page = home / "review" / "index.html"
    target = params.labels.target
    write_review_page(page, found, table=home / "table", labels=labels, problem=params.problem, target=target)
    if len(found):
        print(f"decide on their page: {page}")


def _list(found: pd.DataFrame) -> None:
    if found.empty:
        return
    print("key           round  p(given)  p(suggested)  given -> suggested")
    for row in found.head(LISTED).to_dict("records"):
        numbers = f"{row['round']:5}  {row['p_given']:8.2f}  {row['p_suggested']:12.2f}"
        print(f"{row['key'][:DIGITS]}  {numbers}  {clip(row['given'])} -> {clip(row['suggested'])}")
    if len(found) > LISTED:
        print(f"and {len(found) - LISTED} less suspicious ones")
