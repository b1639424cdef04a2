"""Whether imported pictures would pass `tag`: asked before anything of the project is changed."""

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from tasks.common.drawing_settings import CropsSettings
from tasks.common.params import UNWRITTEN, ProblemSettings, TagSettings
from tasks.crop_table.origins import USER
from tasks.crop_table.png import key_of
from tasks.crop_table.shards import label_columns
from tasks.images.file_kinds import counted
from tasks.images.picture_table import read_pictures
from tasks.images.script_names import is_script_code, mapping_hint
from tasks.tag.reject import SAME_PIXELS, UNKNOWN_TARGET, check_own, check_pixels
from unfont.errors import UserError
from unfont.picture import picture_of
from unfont.reading import fit
from unfont.text import clip


def check_import(
    folder: Path,
    *,
    where: object,
    problem: ProblemSettings,
    crops: CropsSettings,
    tag: TagSettings,
    known: Collection[str],
    hints: Mapping[str, str],
) -> list[str]:
    """Check the pictures in `folder` as the stages `crops` and `tag` will; the pictures are decoded for it.

    Args:
        where: the user's source, for errors.
        problem: with the source that it is about to have.
        known: the scripts that are rendered; beside rendered crops, no other target can be used.
        hints: how to mend what a reason says.

    Returns: lines on labels that may not be meant as they are.

    Raises:
        UserError: more than the share `tag.rejected` of the pictures cannot be used, or all have one target.
    """
    rows, reasons = _checked(folder, problem, crops, known)
    unknown = _unknown(rows, problem, known)
    refused = reasons.dropna()
    if len(refused) > tag.rejected * len(rows):
        raise _too_many(rows, refused, where, {**hints, **_label_hint(problem, unknown, known)})
    targets = rows[problem.target][reasons.isna()].unique()
    if len(targets) == 1 and not problem.draws:
        what = f"every picture has the {problem.target} '{clip(targets[0])}': there is nothing to tell apart"
        raise UserError(what, where=where, fix="give two or more of them, or add --beside-drawn")
    if not unknown:
        return []
    what = "not rendered, and rejected" if problem.draws else "no scripts' codes"
    names = ", ".join(clip(name) for name in unknown)
    return [
        f"note: labels that are {what}: {names}; to map them: {mapping_hint(unknown, known if problem.draws else None)}"
    ]


def _checked(
    folder: Path, problem: ProblemSettings, crops: CropsSettings, known: Collection[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """Every picture without its pixels, and why it cannot be used; null where it can."""
    rows, read = [], []
    for picture in read_pictures(folder, problem):
        reason, key = picture["reason"], None
        if reason is None:
            try:
                key = _key(picture, crops)
            except UserError as error:
                reason = error.what
        rows.append({name: picture[name] for name in label_columns(problem)} | {"key": key, "path": picture["name"]})
        read.append(reason)
    frame = pd.DataFrame(rows).assign(origin=USER)
    reasons = pd.Series(read, index=frame.index, dtype="str")
    scripts = pd.DataFrame({"script": sorted(known)}, dtype="str")
    reasons = reasons.fillna(check_own(frame, known=scripts, problem=problem))
    return frame, check_pixels(frame, reasons, problem)


def _key(picture: Mapping[str, bytes], crops: CropsSettings) -> str:
    pixels = picture_of(picture["image"], where=picture["name"], channels=crops.channels)
    return key_of(fit(pixels, height=crops.height, width=crops.width))


def _unknown(rows: pd.DataFrame, problem: ProblemSettings, known: Collection[str]) -> list[str]:
    """Targets that are none of the project's or, where any may be, no scripts."""
    if problem.target != "script":
        return []
    found = rows[problem.target].value_counts()
    if problem.draws:
        return [name for name in found.index if name not in known and name != UNWRITTEN]
    return [name for name in found.index if not is_script_code(name)]


def _label_hint(problem: ProblemSettings, unknown: list[str], known: Collection[str]) -> dict[str, str]:
    reason = UNKNOWN_TARGET.format(problem.target)
    return {reason: f"the problem has {', '.join(sorted(known))}: say {mapping_hint(unknown, known)}"}


def _too_many(rows: pd.DataFrame, refused: pd.Series, where: object, hints: Mapping[str, str]) -> UserError:
    most = str(refused.value_counts().sort_index().idxmax())
    first = rows["path"][refused.index[refused == most][0]]
    what = (
        f"{len(refused)} of {counted(len(rows), 'picture')} cannot be used, most often: {most}, such as {clip(first)}"
    )
    fix = hints.get(most, "keep one of each" if most == SAME_PIXELS else "fix them, leave them out")
    return UserError(what, where=where, fix=f"{fix}, or raise tag.rejected")
