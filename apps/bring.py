"""`unfont tag --from`: import the user's own pictures, and tag them."""

from collections.abc import Mapping
from pathlib import Path

from apps.settings import write_settings
from flows.pipeline import run_pipeline
from tasks.common.params import read_params
from tasks.images.import_images import bring_pictures
from unfont.errors import UserError


def bring_and_tag(
    source: Path | None, *, pattern: str | None, manifest: Path | None, columns: str, beside_drawn: bool
) -> None:
    """Import pictures for the chosen problem, set its `source` to `own` or `both`, and bring `tag` up to date."""
    params = read_params()
    brought = bring_pictures(
        source,
        problem=params.labels,
        out=params.pictures,
        pattern=pattern,
        manifest=manifest,
        columns=pairs_of(columns),
    )
    print(f"{brought['accepted']:.0f} of {brought['given']:.0f} pictures imported: {params.pictures}", flush=True)
    if beside_drawn or not params.labels.brings:
        for line in write_settings({f"problems.{params.problem}.source": "both" if beside_drawn else "own"}):
            print(f"params.yaml: {line}")
    run_pipeline("tag")
    print(f"done: {params.home / 'table'}; rejected pictures: {params.home / 'rejected.parquet'}")


def pairs_of(text: str) -> dict[str, str]:
    """`script=lang,font_style=face` as a mapping.

    Raises:
        UserError: a part is no pair.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    for name, equals, theirs in pairs:
        if not (name.strip() and equals and theirs.strip()):
            raise UserError("this is no 'ours=theirs'", where=f"--columns {text}", fix="as in script=lang")
    return {name.strip(): theirs.strip() for name, _, theirs in pairs}


def refuse_options(options: Mapping[str, object]) -> None:
    """Raises UserError where an option of the import is given, and no pictures are."""
    for option, value in options.items():
        if value:
            raise UserError("this option needs pictures to import", where=option, fix="give --from or --manifest")
