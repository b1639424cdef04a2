"""Compare settings."""

from pathlib import Path
from typing import Annotated

import typer

from apps.commands.options import TableJsonOrCsv, TableOrJson


def sweep(
    modes: Annotated[str | None, typer.Option(help="Modes to compare, such as erm,conditional+pairs.")] = None,
    strength: Annotated[str | None, typer.Option(help="Values of invariance.strength, such as 0.03,0.1,0.3,1.")] = None,
    head_learning_rate: Annotated[str | None, typer.Option(help="Values of invariance.head_learning_rate.")] = None,
    head_steps: Annotated[str | None, typer.Option(help="Values of invariance.head_steps.")] = None,
    pair_weight: Annotated[str | None, typer.Option(help="Values of invariance.pair_weight.")] = None,
    coral_weight: Annotated[str | None, typer.Option(help="Values of invariance.coral_weight.")] = None,
    erased: Annotated[str | None, typer.Option(help="Values of invariance.erased.")] = None,
    seeds: Annotated[int | None, typer.Option(help="Trainings of every setting, a seed each.", min=1, max=100)] = None,
    trials: Annotated[
        int | None, typer.Option(help="Sample this many settings between those values, not every combination.", min=1)
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Trainings at a time.", min=1, max=1024)] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Start again, in place of resuming.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however long it takes.")] = False,
    output_format: TableJsonOrCsv = "table",
) -> None:
    """Compare invariance modes at several strengths and seeds, by validation alone.

    Values that are not given are those of params.yaml (sections sweep and invariance). It prints its cost first; run
    again, it resumes where it stopped. It does not change params.yaml.
    """
    from apps.sweep import sweep_modes

    values = {
        "strength": strength,
        "head_learning_rate": head_learning_rate,
        "head_steps": head_steps,
        "pair_weight": pair_weight,
        "coral_weight": coral_weight,
        "erased": erased,
    }
    named = {name: text for name, text in values.items() if text is not None}
    sweep_modes(
        modes, named, seeds=seeds, trials=trials, workers=workers, anew=anew, yes=yes, output_format=output_format
    )


def ablation(
    source: Annotated[
        Path,
        typer.Argument(help="The CMU Face Images: a folder, a .tar.gz or a .zip, named as problems.faces.pattern."),
    ],
    only: Annotated[
        str | None, typer.Option(help="Variants and cures to train, such as fewer-filters,pairs; base is always there.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Trainings of each variant in each rotation; else ablation.seeds.", min=2, max=100),
    ] = None,
    rotations: Annotated[
        int | None, typer.Option(help="Of the people that are held out; else ablation.rotations.", min=2, max=100)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Trainings at a time, a thread each; else as many as threads.", min=1, max=1024)
    ] = None,
    out: Annotated[Path, typer.Option(help="The page of maps to write, an .html file.")] = Path(
        "data/.work/ablation.html"
    ),
    output_format: TableOrJson = "table",
) -> None:
    """Repeat the architecture experiments on faces: seven small networks, each claim on them as a number."""
    from apps.ablation import ablation as run_ablation

    run_ablation(
        source, only=only, seeds=seeds, rotations=rotations, workers=workers, out=out, output_format=output_format
    )
