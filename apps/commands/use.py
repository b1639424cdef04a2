"""Use the model."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from apps.commands.options import TableJsonOrCsv


def predict(
    files: Annotated[list[Path], typer.Argument(help="Word images.")],
    top: Annotated[int, typer.Option(help="Labels printed of each, the most probable first.", min=1)] = 3,
    among: Annotated[str | None, typer.Option(help="Only these scripts, such as Latn,Cyrl.")] = None,
    abstain_below: Annotated[float, typer.Option(help="Abstain below this probability.", min=0, max=1)] = 0.0,
    output_format: TableJsonOrCsv = "table",
) -> None:
    """Predict which script each word image is written in."""
    from tasks.common.params import read_params

    params = read_params()  # before torch is waited for
    from tasks.predict.champion import find_model, temperature_of
    from tasks.predict.predict import format_predictions, predict_files
    from tasks.predict.torch_model import TorchModel

    scripts = [part.strip() for part in among.split(",") if part.strip()] if among is not None else None
    model = find_model(params)
    predictions, problems = predict_files(
        files,
        model=TorchModel.of_folder(model, temperature=temperature_of(params, model)),
        top=top,
        among=scripts,
        abstain_below=abstain_below,
    )
    if predictions:
        print(format_predictions(predictions, output_format))
    for problem in problems:
        print(f"unfont: {problem}", file=sys.stderr)
    raise typer.Exit(2 if problems else 0)


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
