"""Run one stage alone; four of them have options of their own."""

from pathlib import Path
from typing import Annotated

import typer

from apps.commands.options import TableJsonOrCsv
from tasks.common.errors import UserError

FONTS = Path("data/fonts.parquet")


def run_stage(address: str) -> None:
    """Run the stage at `address`, such as `tag` or `round@2`, stale or not."""
    from flows.pipeline import run_one

    run_one(address)
    print(f"done: {address}")


def fonts(
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder of your own fonts, from now on (fonts.source).")
    ] = None,
    font_style: Annotated[
        str | None, typer.Option(help="Style of your fonts that say nothing of it (fonts.font_style).")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Only show the table that is there.")] = False,
) -> None:
    """Fetch the fonts into one table, and show which scripts are drawn in which styles."""
    from apps.settings import write_settings
    from tasks.browse.fonts import format_fonts
    from tasks.common.params import read_params

    read_params()
    if source is not None and not source.is_dir():
        raise UserError("there is no such folder of fonts", where=source, fix="fix the path; nothing was changed")
    named = {"fonts.source": source and str(source), "fonts.font_style": font_style}
    for line in write_settings({key: value for key, value in named.items() if value is not None}):
        print(f"params.yaml: {line}")
    if not show:
        run_stage("fonts")
    print(format_fonts(FONTS))


def words() -> None:
    """Collect real words of every script."""
    run_stage("words")


def crops() -> None:
    """Draw clean crops, and pictures with no text in them."""
    run_stage("crops")


def tag(
    source: Annotated[
        Path | None, typer.Option("--from", help="Bring in your own pictures first: a folder, a .tar.gz or a .zip.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Where the pictures' paths name their labels: '{script}/{font_style}/*.png'.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Or a CSV or Parquet file with a row a picture and its labels.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="What the manifest calls them: 'script=lang,font_style=face'.")
    ] = None,
    beside_drawn: Annotated[
        bool, typer.Option("--beside-drawn", help="Keep the drawn crops too (source: both).")
    ] = False,
) -> None:
    """Check the crops and split them without leaks; with --from or --manifest, your own pictures."""
    from apps.bring import bring_and_tag, refuse_options

    if source is None and manifest is None:
        refuse_options({"--pattern": pattern, "--columns": columns, "--beside-drawn": beside_drawn})
        run_stage("tag")
        return
    bring_and_tag(source, pattern=pattern, manifest=manifest, columns=columns or "", beside_drawn=beside_drawn)


def mining_round(number: Annotated[int, typer.Argument(help="The round's number, from 1.", min=1)]) -> None:
    """Mine the previous model's false positives and train on."""
    run_stage(f"round@{number}")


def invariance(mode: Annotated[str, typer.Argument(help="One of invariance.modes: conditional+pairs.")]) -> None:
    """Train on while the backbone forgets the nuisance.

    Modes are erm, reversal, conditional, ascent, pairs, coral, and sums of them; invariance.modes lists those in use.
    """
    run_stage(f"invariance@{mode}")


def evaluate(
    folder: Annotated[
        Path | None, typer.Option("--from", help="Instead: test the model on your own crops in this folder.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Where the folder's paths name the labels: '{script}/*.png' unless given.")
    ] = None,
    output_format: TableJsonOrCsv = "table",
) -> None:
    """Choose by validation and measure every model; with --from, test on your own crops."""
    if folder is None:
        run_stage("evaluate")
        return
    from tasks.common.params import read_params
    from tasks.predict.evaluate_folder import evaluate_folder, format_evaluation

    params = read_params()
    where = pattern or params.labels.pattern or f"{{{params.labels.target}}}/*.png"
    print(format_evaluation(evaluate_folder(params, folder=folder, pattern=where), output_format))


def probe() -> None:
    """Measure what a fresh classifier still reads of each nuisance in every model's features."""
    run_stage("probe")


def report() -> None:
    """Write the report: what was measured, mined and learned."""
    run_stage("report")
