"""`unfont tag --from`: import the user's own pictures, and tag them."""

from collections.abc import Mapping
from pathlib import Path

from apps.settings import write_settings
from flows.pipeline import run_pipeline
from tasks.common.params import UNWRITTEN, Params, read_params
from tasks.images.import_images import Brought, bring_pictures
from tasks.tag.check_import import check_import
from tasks.tag.pictures import count_own
from unfont.labels import COMMON, UNKNOWN


def bring_and_tag(
    source: Path | None,
    *,
    pattern: str | None,
    manifest: Path | None,
    columns: Mapping[str, str],
    labels: Mapping[str, str],
    beside_drawn: bool,
) -> None:
    """Import pictures for the chosen problem, set its `source` to `own` or `both`, and bring `tag` up to date.

    Raises:
        UserError: the pictures cannot be used; then nothing has been changed.
    """
    params = read_params()
    kind = "both" if beside_drawn else params.labels.source if params.labels.brings else "own"
    brought = _bring(params, kind, source, pattern=pattern, manifest=manifest, columns=columns, labels=labels)
    for line in brought.notes:
        print(line)
    print(f"{brought.accepted} of {brought.given} pictures imported: {params.pictures}", flush=True)
    if kind != params.labels.source:
        for line in write_settings({f"problems.{params.problem}.source": kind}):
            print(f"params.yaml: {line}")
    run_pipeline("tag")
    used, crops = count_own(params.home / "table")
    if crops != used:
        print(f"{used} pictures are in the table, in {crops} crops: long lines give several")
    print(f"done: {params.home / 'table'}; rejected pictures: {params.home / 'rejected.parquet'}")


def _bring(
    params: Params,
    kind: str,
    source: Path | None,
    *,
    pattern: str | None,
    manifest: Path | None,
    columns: Mapping[str, str],
    labels: Mapping[str, str],
) -> Brought:
    """The import; what `tag` would refuse is refused here, before anything is changed."""
    problem = params.labels.model_copy(update={"source": kind})
    known = {*params.words.scripts, UNWRITTEN, COMMON, UNKNOWN} if problem.target == "script" else set()

    def check(folder: Path, hints: Mapping[str, str]) -> list[str]:
        where = manifest or source
        return check_import(
            folder, where=where, problem=problem, crops=params.crops, tag=params.tag, known=known, hints=hints
        )

    return bring_pictures(
        source,
        problem=problem,
        out=params.pictures,
        pattern=pattern,
        manifest=manifest,
        columns=columns,
        labels=labels,
        known=known,
        check=check,
    )
