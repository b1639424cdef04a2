"""Options that several commands have."""

from typing import Annotated, Literal

import typer

_FORMAT = typer.Option("--format", help="Output format.")
TableOrJson = Annotated[Literal["table", "json"], _FORMAT]
TableJsonOrCsv = Annotated[Literal["table", "json", "csv"], _FORMAT]
PredictionFormat = Annotated[
    Literal["table", "json", "jsonl", "csv", "parquet"] | None,
    typer.Option("--format", help="Output format; of --out's suffix, else table, unless given."),
]
