"""The command line. Everything heavy is imported inside the command that needs it, so that help comes at once."""

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tasks.common.errors import UserError
from tasks.common.params import read_params

app = typer.Typer(
    name="unfont",
    help="Read the script. Forget the font: which script is this word image written in, whatever its font?",
    epilog="Exit status: 0 done, 1 failed, 2 the input was wrong. Every knob is in params.yaml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RUN = "Run the pipeline"
STAGES = "Run one stage alone, stale or not (as dvc repro --force --single-item)"
TRY = "Try settings"
LOOK = "Look at what was mined"
USE = "Use the model"
WATCH = "Watch and schedule"

FONTS = Path("data/fonts.parquet")
INTERRUPTED = 130  # what Typer makes of Ctrl-C
# Typer brings its own copy of click and names but one of its usage errors.
USAGE_ERROR: Any = typer.BadParameter.__base__


class Format(StrEnum):
    table = "table"
    json = "json"
    csv = "csv"


@app.command(rich_help_panel=RUN)
def run(
    stage: Annotated[str | None, typer.Argument(help="Only this stage and what it needs, such as round@2.")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would run, and run nothing.")] = False,
) -> None:
    """Bring everything that is stale up to date, and only that."""
    from flows.plan import open_repo, stale_stages

    params = read_params()
    stale = stale_stages(open_repo(), stage)
    if not stale:
        print("nothing to do: everything is up to date")
        return
    if plan:
        print("\n".join(stale))
        return
    from apps.profiles import cost_of

    print(f"{len(stale)} stages are stale: {', '.join(stale)}")
    print(f"profile {params.profile}: the whole pipeline costs {cost_of(params.profile)}", flush=True)
    from flows.pipeline import run_pipeline

    run_pipeline(stage)
    print(f"done: {', '.join(str(path) for path in _what_to_open(params.home))}")


def _what_to_open(home: Path) -> list[Path]:
    return [path for path in (home / "report" / "index.html", home / "metrics" / "evaluate.json") if path.exists()]


@app.command(rich_help_panel=RUN)
def setup() -> None:
    """Make the MLflow store and check what the pipeline needs; `make run` calls it once."""
    from apps.doctor import check_machine
    from tasks.common.mlflow_runs import make_store, store_uri

    check_machine()
    make_store(read_params().problem)
    print(f"ready: runs are recorded in {store_uri()}")


@app.command(rich_help_panel=RUN)
def doctor() -> None:
    """Say what works on this machine, and how to mend what does not."""
    from apps.doctor import examine

    findings = examine()
    for finding in findings:
        told = f"{finding.what}: {finding.said}"
        print(f"ok   {told}" if finding.good else f"MEND {told}: {finding.mend}")
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


@app.command(rich_help_panel=RUN)
def profile(
    name: Annotated[str | None, typer.Argument(help="The profile to write into params.yaml.")] = None,
) -> None:
    """List the profiles and what each costs, or write one's values into params.yaml."""
    from apps.profiles import apply_profile, profiles

    if name is None:
        chosen = read_params().profile
        for each in profiles():
            print(f"{'*' if each.name == chosen else ' '} {each.name:10} {each.cost}")
        return
    changed = apply_profile(name)
    print("\n".join(changed) or f"params.yaml has the values of {name} already")


def _stage_command(name: str, help_text: str) -> None:
    def command() -> None:
        _run_stage(name)

    app.command(name, help=help_text, rich_help_panel=STAGES)(command)


def _run_stage(address: str) -> None:
    from flows.pipeline import run_one

    run_one(address)
    print(f"done: {address}")


@app.command(rich_help_panel=STAGES)
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

    read_params()
    if source is not None and not source.is_dir():
        raise UserError("there is no such folder of fonts", where=source, mend="mend the path; nothing was changed")
    named = {"fonts.source": source and str(source), "fonts.font_style": font_style}
    for line in write_settings({key: value for key, value in named.items() if value is not None}):
        print(f"params.yaml: {line}")
    if not show:
        _run_stage("fonts")
    print(format_fonts(FONTS))


_stage_command("words", "Collect real words of every script.")
_stage_command("crops", "Draw clean crops, and pictures with no text in them.")


@app.command(rich_help_panel=STAGES)
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
        _run_stage("tag")
        return
    bring_and_tag(source, pattern=pattern, manifest=manifest, columns=columns or "", beside_drawn=beside_drawn)


@app.command("round", rich_help_panel=STAGES)
def mining_round(number: Annotated[int, typer.Argument(help="The round's number, from 1.", min=1)]) -> None:
    """Mine the previous model's false positives and train on."""
    _run_stage(f"round@{number}")


@app.command(rich_help_panel=STAGES)
def invariance(mode: Annotated[str, typer.Argument(help="One of invariance.modes: conditional+pairs.")]) -> None:
    """Train on while the trunk forgets the nuisance.

    Modes are erm, reversal, conditional, ascent, pairs, coral, and sums of them; invariance.modes lists those in use.
    """
    _run_stage(f"invariance@{mode}")


@app.command(rich_help_panel=STAGES)
def evaluate(
    folder: Annotated[
        Path | None, typer.Option("--from", help="Instead: test the model on your own crops in this folder.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Where the folder's paths name the labels: '{script}/*.png' unless given.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
) -> None:
    """Choose by validation and measure every model; with --from, test on your own crops."""
    if folder is None:
        _run_stage("evaluate")
        return
    from tasks.predict.evaluate_folder import evaluate_folder, format_evaluation

    params = read_params()
    where = pattern or params.labels.pattern or f"{{{params.labels.target}}}/*.png"
    print(format_evaluation(evaluate_folder(params, folder=folder, pattern=where), format.value))


_stage_command("probe", "Measure what a fresh classifier still reads of each nuisance in every model's features.")
_stage_command("report", "Write the report: what was measured, mined and learned.")


@app.command(rich_help_panel=TRY)
def sweep(
    modes: Annotated[str | None, typer.Option(help="Modes to try: erm,conditional+pairs.")] = None,
    strength: Annotated[str | None, typer.Option(help="Values of invariance.strength: 0.03,0.1,0.3,1.")] = None,
    head_rate: Annotated[str | None, typer.Option(help="Values of invariance.head_rate.")] = None,
    head_steps: Annotated[str | None, typer.Option(help="Values of invariance.head_steps.")] = None,
    pair_weight: Annotated[str | None, typer.Option(help="Values of invariance.pair_weight.")] = None,
    coral_weight: Annotated[str | None, typer.Option(help="Values of invariance.coral_weight.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Trainings of every setting.", min=1, max=100)] = None,
    trials: Annotated[
        int | None, typer.Option(help="Draw so many settings between those values, in place of all of them.", min=1)
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Trainings side by side.", min=1, max=1024)] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Begin again, in place of going on.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however long it takes.")] = False,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
) -> None:
    """Try modes of invariance with several strengths and seeds, measured on validation alone.

    What is not named is as params.yaml has it (sections sweep and invariance). It says what it will cost first; called
    again, it goes on where it stopped. It changes no params.
    """
    from apps.sweep import sweep_modes

    values = {
        "strength": strength,
        "head_rate": head_rate,
        "head_steps": head_steps,
        "pair_weight": pair_weight,
        "coral_weight": coral_weight,
    }
    named = {knob: text for knob, text in values.items() if text is not None}
    sweep_modes(
        modes, named, seeds=seeds, trials=trials, workers=workers, anew=anew, yes=yes, output_format=format.value
    )


@app.command(rich_help_panel=LOOK)
def review(
    accept: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="The given label is right and stays. Repeatable.")
    ] = None,
    correct: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY[=LABEL]", help="Another label is right: LABEL, or the suggested one. Repeatable."),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Leave this picture out of later rounds. Repeatable.")
    ] = None,
    decided: Annotated[
        Path | None, typer.Option("--from", help="Take in the decisions.csv that the review page saved.")
    ] = None,
) -> None:
    """List the suspected labels of your own pictures and write their page, or decide on them."""
    from apps.review import review as run_review

    run_review(accept=accept or [], correct=correct or [], drop=drop or [], decided=decided)


@app.command(rich_help_panel=LOOK)
def history(
    key: Annotated[str, typer.Argument(help="The crop's key, or its first digits: 6 at the least.")],
    picture: Annotated[
        Path | None, typer.Option(help="Save the clean crop too, four times as large: a .png file.")
    ] = None,
    format: Annotated[Literal["table", "json"], typer.Option(help="How to print.")] = "table",
) -> None:
    """Tell one crop's story: what it is, what every round made of it, what the models say of it."""
    from apps.history import tell_history

    tell_history(key, picture=picture, output_format=format)


@app.command(rich_help_panel=LOOK)
def compare(
    model_a: Annotated[str, typer.Argument(help="A model: round-0, erm, erm/seed-1, champion, or a model folder.")],
    model_b: Annotated[str, typer.Argument(help="The model beside it.")],
    page: Annotated[
        Path | None, typer.Option(help="Where the page goes: an .html file; in data/.work/compare unless given.")
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Measure too by how much their layers are larger than needed.")
    ] = False,
    format: Annotated[Literal["table", "json"], typer.Option(help="How to print.")] = "table",
) -> None:
    """Say whether two networks learned the same: their units matched, their layers compared, on the same crops."""
    from apps.compare import compare as run_compare

    run_compare(model_a, model_b, page=page, prune=prune, output_format=format)


@app.command(rich_help_panel=LOOK)
def explain(
    files: Annotated[list[Path], typer.Argument(help="Word images.")],
    model: Annotated[str, typer.Option(help="Whose answers: as for compare.")] = "champion",
    out: Annotated[Path, typer.Option(help="Where the page of the maps goes.")] = Path("data/.work/attention.html"),
    format: Annotated[Literal["table", "json"], typer.Option(help="How to print.")] = "table",
) -> None:
    """Show what the answer to each word image rests on, and how far to trust that."""
    from apps.explain import explain as run_explain

    raise typer.Exit(0 if run_explain(files, model=model, out=out, output_format=format) else 2)


@app.command(rich_help_panel=LOOK)
def draw(
    layer: Annotated[str | None, typer.Argument(help="A layer's name; without one, all are listed.")] = None,
    units: Annotated[list[int] | None, typer.Argument(help="Numbers of its units.")] = None,
    label: Annotated[str | None, typer.Option(help="Of a head: the unit of this label.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose units: as for compare; champion unless given.")] = None,
    network: Annotated[
        str | None, typer.Option(metavar="MODULE:CALLABLE", help="Instead: what makes a network of your own.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="A folder of real pictures, in place of the table's validation crops.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(help="Of every climb: a number, or paper for its own; report.steps unless given.")
    ] = None,
    search: Annotated[
        int | None, typer.Option(help="Try so many random settings on the one unit.", min=1, max=10_000)
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the page goes.")] = Path("data/.work/draw.html"),
    seed: Annotated[
        int | None, typer.Option(help="Of the random pixels; as in params unless given.", min=0, max=2**31 - 1)
    ] = None,
    format: Annotated[Literal["table", "json"], typer.Option(help="How to print.")] = "table",
) -> None:
    """Show what single units answer to, of the project's model or of any network of yours."""
    from apps.draw import draw as run_draw

    run_draw(
        layer, units or [], label=label, model=model, network=network, images=images, steps=steps, tried=search,
        out=out, seed=seed, output_format=format,
    )  # fmt: skip


@app.command(rich_help_panel=USE)
def predict(
    files: Annotated[list[Path], typer.Argument(help="Word images.")],
    top: Annotated[int, typer.Option(help="How many guesses of each.", min=1)] = 3,
    among: Annotated[str | None, typer.Option(help="Only these scripts, such as Latn,Cyrl.")] = None,
    abstain_below: Annotated[float, typer.Option(help="Below this probability, say nothing.", min=0, max=1)] = 0.0,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
) -> None:
    """Say which script each word image is written in."""
    from tasks.predict.predict import find_model, format_predictions, predict_files, temperature_of

    params = read_params()
    scripts = [part.strip() for part in among.split(",") if part.strip()] if among is not None else None
    model = find_model(params)
    predictions, problems = predict_files(
        files,
        model_folder=model,
        temperature=temperature_of(params, model),
        top=top,
        among=scripts,
        abstain_below=abstain_below,
    )
    if predictions:
        print(format_predictions(predictions, format.value))
    for problem in problems:
        print(f"unfont: {problem}", file=sys.stderr)
    raise typer.Exit(2 if problems else 0)


@app.command(rich_help_panel=USE)
def register() -> None:
    """Register the chosen model in MLflow; it becomes champion where it is better beyond doubt."""
    from flows.register import register_chosen

    print(register_chosen(read_params()))


@app.command(rich_help_panel=WATCH)
def ui(
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow server.", min=1, max=65535)] = 5000,
    prefect_port: Annotated[int, typer.Option(help="Port of the Prefect server.", min=1, max=65535)] = 4200,
    host: Annotated[str, typer.Option(help="Address to bind to; anyone who reaches it can change runs.")] = "127.0.0.1",
) -> None:
    """Start the MLflow and Prefect servers side by side."""
    from apps.servers import serve_ui

    serve_ui(host=host, mlflow_port=mlflow_port, prefect_port=prefect_port)


@app.command(rich_help_panel=WATCH)
def serve(
    cron: Annotated[str, typer.Option(help="When the pipeline runs.")] = "0 2 * * *",
) -> None:
    """Serve the deployments: pipeline by cron, mining-round by number, report."""
    from apps.servers import serve_deployments

    serve_deployments(cron)


def main() -> None:
    """The `unfont` command: a wrong input is one line and status 2, never a traceback."""
    from flows.stage import quiet_logging

    quiet_logging()
    try:
        status = app(standalone_mode=False)
    except UserError as error:
        print(f"unfont: {error}", file=sys.stderr)
        sys.exit(2)
    except USAGE_ERROR as error:
        command = error.ctx.command_path if error.ctx else "unfont"
        print(f"unfont: {error.format_message()} ({command}): see {command} --help", file=sys.stderr)
        sys.exit(2)
    except PermissionError as error:
        print(f"unfont: {error.strerror} ({error.filename}): make it writable and readable", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        logging.getLogger("unfont").error("unfont: failed", exc_info=error)
        sys.exit(1)
    if status == INTERRUPTED:
        print("unfont: interrupted; what was committed stays, run again to go on", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
