"""Run one stage alone."""

from pathlib import Path
from typing import Annotated

import typer

from apps.commands.options import TableJsonOrCsv
from unfont.errors import UserError

FONTS = Path("data/fonts.parquet")
LabelsOption = Annotated[
    str | None, typer.Option(help="Labels of names that your pictures have, as in 'Bangla=Beng,Hindi=Deva'.")
]


def run_stage(address: str) -> None:
    """Run the stage at `address`, such as `tag` or `round@2`, stale or not."""
    from flows.pipeline import run_one

    run_one(address)
    print(f"done: {address}")


def fonts(
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder of your own fonts, used from now on (sets fonts.source).")
    ] = None,
    font_style: Annotated[
        str | None, typer.Option(help="Font style of your fonts whose own tables give none (sets fonts.font_style).")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Only print the table as it is.")] = False,
) -> None:
    """Fetch the fonts into one table, and print the typeface designs by script and font style."""
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
    """Collect words of every script: of CLDR, of your own lists, and drawn by a model of its letters."""
    run_stage("words")


def crops() -> None:
    """Render clean crops of words, and generate non-text crops."""
    run_stage("crops")


def tag(
    source: Annotated[
        Path | None, typer.Option("--from", help="Import your own pictures first: a folder, a .tar.gz or a .zip.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="How the pictures' paths name their labels, as in '{script}/{font_style}/*.png'.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Or a CSV or Parquet file with a row a picture, and its labels.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Your names of the columns, as in 'script=lang,font_style=face'.")
    ] = None,
    labels: LabelsOption = None,
    beside_drawn: Annotated[
        bool, typer.Option("--beside-drawn", help="Keep the rendered crops too (source: both).")
    ] = False,
) -> None:
    """Check the crops and split them without leakage; with --from or --manifest, import your own pictures."""
    from apps.bring import bring_and_tag
    from apps.pairs import label_pairs, pairs_of, refuse_options

    if source is None and manifest is None:
        given = {"--pattern": pattern, "--columns": columns, "--labels": labels, "--beside-drawn": beside_drawn}
        refuse_options(given)
        run_stage("tag")
        return
    bring_and_tag(
        source,
        pattern=pattern,
        manifest=manifest,
        columns=pairs_of(columns or ""),
        labels=label_pairs(labels or ""),
        beside_drawn=beside_drawn,
    )


def mining_round(number: Annotated[int, typer.Argument(help="The round's number, from 1.", min=1)]) -> None:
    """Hard-negative mining: add the previous model's false positives to the training set, and retrain."""
    run_stage(f"round@{number}")


def invariance(mode: Annotated[str, typer.Argument(help="One mode, such as conditional+pairs.")]) -> None:
    """Continue training while the backbone unlearns the nuisance, such as font style.

    Modes: erm (the baseline), reversal (DANN), conditional (CDANN), ascent, pairs, coral, erasure (LEACE),
    bottleneck, and sums; see invariance.modes.
    """
    run_stage(f"invariance@{mode}")


def evaluate(
    folder: Annotated[
        Path | None, typer.Option("--from", help="Instead: test the model on your own crops in this folder.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="How the paths there name the labels; '{script}/*' unless given.")
    ] = None,
    labels: LabelsOption = None,
    output_format: TableJsonOrCsv = "table",
) -> None:
    """Choose a model by validation, then measure every model; with --from, test on your own crops."""
    from apps.pairs import label_pairs, refuse_options

    if folder is None:
        refuse_options({"--pattern": pattern, "--labels": labels})
        run_stage("evaluate")
        return
    from tasks.common.params import read_params
    from tasks.predict.evaluate_folder import evaluate_folder, format_evaluation

    params = read_params()
    result = evaluate_folder(params, folder=folder, pattern=pattern, labels=label_pairs(labels or ""))
    for note in result["notes"]:
        typer.echo(note, err=True)
    print(format_evaluation(result, output_format))


def probe() -> None:
    """Measure what a probe, a classifier trained afterwards, decodes of each nuisance from every model's features."""
    run_stage("probe")


def report(
    full: Annotated[
        bool,
        typer.Option("--full", help="Optimise images for every unit and attribute every mistake, from now on."),
    ] = False,
) -> None:
    """Write the report, a static site: what was measured, mined and learned."""
    from apps.profiles import apply_settings_of
    from tasks.common.params import read_params

    read_params()
    if full:
        for line in apply_settings_of("full", section="report"):
            print(f"params.yaml: {line}")
    run_stage("report")
