"""Try settings."""

from typing import Annotated

import typer

from apps.commands.options import TableJsonOrCsv


def sweep(
    modes: Annotated[str | None, typer.Option(help="Modes to try: erm,conditional+pairs.")] = None,
    strength: Annotated[str | None, typer.Option(help="Values of invariance.strength: 0.03,0.1,0.3,1.")] = None,
    head_learning_rate: Annotated[str | None, typer.Option(help="Values of invariance.head_learning_rate.")] = None,
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
    output_format: TableJsonOrCsv = "table",
) -> None:
    """Try modes of invariance with several strengths and seeds, measured on validation alone.

    What is not named is as params.yaml has it (sections sweep and invariance). It says what it will cost first; called
    again, it goes on where it stopped. It changes no params.
    """
    from apps.sweep import sweep_modes

    values = {
        "strength": strength,
        "head_learning_rate": head_learning_rate,
        "head_steps": head_steps,
        "pair_weight": pair_weight,
        "coral_weight": coral_weight,
    }
    named = {knob: text for knob, text in values.items() if text is not None}
    sweep_modes(
        modes, named, seeds=seeds, trials=trials, workers=workers, anew=anew, yes=yes, output_format=output_format
    )
