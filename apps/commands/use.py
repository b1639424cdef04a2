"""Use the model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.commands.options import PredictionFormat

if TYPE_CHECKING:
    from tasks.predict.open_model import ModelSource


def predict(
    sources: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders, 'scans/**/*.png', Parquet files, or - for a list on standard input."),
    ],
    top: Annotated[int, typer.Option(help="Labels printed of each, the most probable first.", min=1)] = 3,
    among: Annotated[str | None, typer.Option(help="Only these scripts, such as Latn,Cyrl.")] = None,
    abstain_below: Annotated[float, typer.Option(help="Abstain below this probability.", min=0, max=1)] = 0.0,
    model: Annotated[
        str | None, typer.Option(help="Another model: as for compare, shipped, or an ONNX file.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes for many pictures; one for each CPU unless given.", min=1)
    ] = None,
    output_format: PredictionFormat = None,
    out: Annotated[Path | None, typer.Option(help="Write the answers to this file.")] = None,
) -> None:
    """Predict which script each picture of a word or line is written in."""
    from apps.predict import predict as run_predict

    scripts = [part.strip() for part in among.split(",") if part.strip()] if among is not None else None
    status = run_predict(
        sources,
        source_of=lambda: _source(model),
        top=top,
        among=scripts,
        abstain_below=abstain_below,
        workers=workers,
        output_format=output_format,
        out=out,
    )
    raise typer.Exit(status)


def export(
    model: Annotated[str, typer.Argument(help="A model as for compare.")] = "champion",
    out: Annotated[Path, typer.Option(help="The ONNX file to write.")] = Path("model.onnx"),
    name: Annotated[str, typer.Option(help="What the file calls the model.")] = "unfont",
    card: Annotated[
        Path | None, typer.Option(help="Also write a model card, a .md file, from what evaluate measured.")
    ] = None,
    real: Annotated[
        Path | None, typer.Option(help="For the card: what `python -m benchmarks.real` measured, a .json file.")
    ] = None,
) -> None:
    """Write a model as one ONNX file, which needs the library alone: `unfont.OnnxModel(FILE)`."""
    from flows.evaluate import models_of, replicas_of_study
    from flows.fonts import OUT as FONTS
    from tasks.common.params import read_params
    from tasks.predict.champion import temperature_of
    from tasks.predict.export import export_with_card
    from tasks.predict.named_model import named_model

    params = read_params()
    models = models_of(params) | replicas_of_study(params)
    folder = named_model(params, model, models)
    measured = next((known for known, path in models.items() if path.resolve() == folder.resolve()), model)
    said = export_with_card(
        params,
        folder,
        out,
        name=name,
        temperature=temperature_of(params, folder),
        measured=measured,
        fonts=FONTS,
        card=card,
        real=real,
    )
    print(said, file=sys.stderr)


def register() -> None:
    """Register the chosen model in MLflow; it becomes champion where it is significantly better."""
    from flows.register import register_chosen
    from tasks.common.params import read_params

    print(register_chosen(read_params()))


def promote(
    run: Annotated[str, typer.Argument(help="A registered version's number, or the MLflow run of one.")],
) -> None:
    """Make a registered model champion, whatever was measured."""
    from tasks.common.params import read_params
    from tasks.predict.promote import promote as make_champion

    print(make_champion(read_params().problem, run))


def rollback() -> None:
    """Give the champion's place back to the model that had it before."""
    from tasks.common.params import read_params
    from tasks.predict.promote import rollback as go_back

    print(go_back(read_params().problem))


def _source(model: str | None) -> "ModelSource":
    """The model called so; the one that serves unless named, outside of a project too."""
    from tasks.common.params import PARAMS_FILE, read_params

    params = read_params() if PARAMS_FILE.exists() else None
    from tasks.predict.open_model import ONNX, SHIPPED, named_source, serving_model

    if model is None:
        return serving_model(params)
    models: dict[str, Path] = {}
    if params is not None and model != SHIPPED and not model.endswith(ONNX):
        from flows.evaluate import models_of, replicas_of_study  # Prefect takes a second to import

        models = models_of(params) | replicas_of_study(params)
    return named_source(params, model, models)
