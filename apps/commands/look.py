"""Inspect crops, and what the models learned."""

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from apps.commands.options import TableOrJson

COMPARED = Path("data/.work/compare")


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
    """List suspected label errors of your own pictures and write their page, or take your decisions."""
    from apps.review import review as run_review

    run_review(accept=accept or [], correct=correct or [], drop=drop or [], decided=decided)


def history(
    key: Annotated[str, typer.Argument(help="The crop's key, or its first digits (6 or more).")],
    picture: Annotated[
        Path | None, typer.Option(help="Also save the clean crop, enlarged four times, as this .png file.")
    ] = None,
    output_format: TableOrJson = "table",
) -> None:
    """Print one crop's provenance: its labels, its outcome in every round, and what the models predict."""
    from tasks.browse.history import history_of, picture_of, save_picture
    from tasks.browse.history_text import format_history
    from tasks.browse.terminal import WIDEST, shows_colour
    from tasks.common.params import read_params

    params = read_params()
    story = history_of(params, key)
    pixels = picture_of(params, story["key"])
    if picture is not None:
        save_picture(picture, pixels)
    if output_format == "json":
        print(json.dumps(story, indent=2, ensure_ascii=False))
        return
    columns = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    print(format_history(story, picture=pixels, colour=shows_colour(sys.stdout), columns=columns))
    if picture is not None:
        print(f"\ndone: {picture}")


def compare(
    model_a: Annotated[str, typer.Argument(help="A model: round-0, erm, erm/seed-1, champion, or a model folder.")],
    model_b: Annotated[str, typer.Argument(help="The model to compare it with.")],
    page: Annotated[
        Path | None, typer.Option(help="The page to write, an .html file; in data/.work/compare unless given.")
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also measure which units are redundant, and what it costs to remove them.")
    ] = False,
    output_format: TableOrJson = "table",
) -> None:
    """Compare what two networks learned, on the same crops: matched units, and CKA of their layers."""
    from apps.progress import shown_progress

    with shown_progress() as progress:  # the libraries take seconds to load
        from flows.evaluate import models_of, replicas_of_study
        from tasks.common.params import read_params
        from tasks.explain.compare import compare_models, seed_pairs
        from tasks.explain.compare_numbers import format_comparison, numbers_of
        from tasks.explain.compare_page import write_comparison_page
        from tasks.explain.redundancy import format_redundancy, redundant_units
        from tasks.pages.single_page import check_page
        from tasks.pages.text_table import text_of
        from tasks.predict.named_model import named_model
        from tasks.train.card import weights_of

        params = read_params()
        models, replicas = models_of(params), replicas_of_study(params)
        if page is not None:
            check_page(page)
        names = (model_a, model_b)
        own = {name: named_model(params, name, models | replicas) for name in names}
        weights = weights_of(own[model_a]), weights_of(own[model_b])
        references = seed_pairs(names, models, replicas)
        table = params.home / "table"
        progress(f"{len(references) + 3} pairs of networks on {params.compare.crops} crops at most")
        found = compare_models(params, table=table, models=models | replicas | own, names=names, references=references)
        numbers = numbers_of(found)
        if prune:
            progress("redundant units of both")
            numbers["redundancy"] = redundant_units(params, table=table, models=own)
        progress("the page")
        page = page or COMPARED / f"{weights[0][:12]}-{weights[1][:12]}.html"
        write_comparison_page(page, found, numbers=numbers, settings=params.compare, weights=weights)
    print(text_of(numbers, output_format, format_comparison))
    if prune and output_format != "json":
        print(f"\n{format_redundancy(numbers['redundancy'])}")
    print(f"page: {page}", file=sys.stderr)


def explain(
    files: Annotated[list[Path], typer.Argument(help="Word images.")],
    model: Annotated[str, typer.Option(help="Whose predictions: a model as for compare.")] = "champion",
    out: Annotated[Path, typer.Option(help="The page to write, an .html file.")] = Path("data/.work/attribution.html"),
    output_format: TableOrJson = "table",
) -> None:
    """Show which pixels each prediction depends on (attribution), with checks of every map."""
    from apps.progress import shown_progress

    with shown_progress() as progress:  # the libraries take seconds to load
        from flows.evaluate import models_of, replicas_of_study
        from tasks.common.params import read_params
        from tasks.explain.attribution_page import write_attribution_page
        from tasks.inspect.attribution_files import explain_files
        from tasks.inspect.attribution_text import format_attribution, numbers_of
        from tasks.pages.single_page import check_page
        from tasks.pages.text_table import text_of
        from tasks.predict.champion import temperature_of
        from tasks.predict.named_model import named_model
        from tasks.train.card import weights_of
        from tasks.train.weights import load_model

        params = read_params()
        check_page(out)
        folder = named_model(params, model, models_of(params) | replicas_of_study(params))
        temperature = temperature_of(params, folder)
        explained, problems = explain_files(
            params, files, model_folder=folder, temperature=temperature, progress=progress
        )
        if explained is not None:
            progress("the page")
            numbers = numbers_of(explained)
            more = write_attribution_page(
                out,
                explained,
                load_model(folder)[0],
                numbers=numbers,
                settings=params.attribution,
                model=model,
                weights=weights_of(folder),
            )
    if explained is not None:
        print(text_of(numbers, output_format, format_attribution))
        left = f"; {more} pictures did not fit on it" if more else ""
        print(f"page: {out}{left}", file=sys.stderr)
    for problem in problems:
        print(f"unfont: {problem}", file=sys.stderr)
    raise typer.Exit(2 if problems else 0)


def draw(
    layer: Annotated[str | None, typer.Argument(help="The layer's name; without one, all layers are listed.")] = None,
    units: Annotated[list[int] | None, typer.Argument(help="The numbers of its units.")] = None,
    label: Annotated[str | None, typer.Option(help="Of a head's layer: the unit of this label.")] = None,
    model: Annotated[str | None, typer.Option(help="Whose units: as for compare; champion unless given.")] = None,
    network: Annotated[
        str | None, typer.Option(metavar="MODULE:CALLABLE", help="Instead: what returns a network of your own.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="A folder of real pictures, in place of the table's validation crops.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(help="Per optimisation: a number, or paper (the paper's own); else report.steps.")
    ] = None,
    search: Annotated[
        int | None, typer.Option(help="Also try this many random settings; for one unit.", min=1, max=10_000)
    ] = None,
    out: Annotated[Path, typer.Option(help="The page to write, an .html file.")] = Path("data/.work/draw.html"),
    seed: Annotated[
        int | None, typer.Option(help="Seed of the random pixels; else that of params.yaml.", min=0, max=2**31 - 1)
    ] = None,
    output_format: TableOrJson = "table",
) -> None:
    """Show what activates single units, of the project's model or of any network of your own."""
    from apps.draw import draw as run_draw

    run_draw(
        layer, units or [], label=label, model=model, network=network, images=images, steps=steps, tried=search,
        out=out, seed=seed, output_format=output_format,
    )  # fmt: skip


def influence(
    table: Annotated[Path | None, typer.Argument(help="A CSV or Parquet file.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What is predicted: classes or a number.")
    ] = None,
    nuisance: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="What the network is to unlearn; it is no input.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="How it is unlearned, as in invariance.modes; influence.mode unless given.")
    ] = None,
    row: Annotated[int | None, typer.Option(help="Also explain this row, counted from 1.")] = None,
    example: Annotated[
        bool, typer.Option("--example", help="On a retail table with known causes, which is written first.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The page to write, an .html file.")] = Path("data/.work/influence.html"),
    output_format: TableOrJson = "table",
) -> None:
    """Show which variables of a table drive a network, its outputs and every neuron."""
    from apps.influence import influence as run_influence

    run_influence(
        table, target=target, nuisance=nuisance, mode=mode, row=row, example=example, out=out,
        output_format=output_format,
    )  # fmt: skip


def live(
    model: Annotated[
        str | None, typer.Argument(help="A model as for compare; champion unless given. The page can show others too.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="MODULE:CALLABLE", help="Instead: what returns a network of your own.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HEIGHTxWIDTH", help="Of the pictures of --network; found out unless given.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the page, on loopback.", min=1, max=65535)] = 8765,
) -> None:
    """Serve a page that shows every layer of a network at work: on pictures, typed text, video or your webcam."""
    from apps.live.command import live as run_live

    run_live(model, network=network, size=size, port=port)
