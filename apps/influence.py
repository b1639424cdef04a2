"""`unfont influence`: which variables of a table drive a network, its outputs and its neurons."""

import sys
from pathlib import Path

from flows.influence import run_influence
from tasks.common.params import read_params
from tasks.influence.example import TARGET, write_example
from tasks.influence.text import format_influence
from tasks.influence.train import check_mode
from tasks.pages.single_page import check_page
from tasks.pages.text_table import text_of
from unfont.errors import UserError

EXAMPLE = Path("data/.work/influence/retail.csv")


def influence(
    table: Path | None,
    *,
    target: str | None,
    nuisance: str | None,
    mode: str | None,
    row: int | None,
    example: bool,
    out: Path,
    output_format: str,
) -> None:
    """Print the influences of the variables and write their page.

    Args:
        example: on a retail table with known causes, which is written first; else `table` and `target` are needed.
        output_format: 'table' or 'json'.

    Raises:
        UserError: anything of it is wrong; then nothing is written.
    """
    params = read_params()
    check_page(out)
    if mode is not None:
        if nuisance is None:
            raise UserError("a mode needs what it unlearns", where=f"--mode {mode}", fix="name --nuisance COLUMN")
        check_mode(mode)
    if example:
        if table is not None:
            raise UserError("the example is a table of its own", where="--example", fix="leave the other table out")
        table, target = EXAMPLE, target or TARGET
        write_example(table)
        print(f"table: {table}, of which the target is {TARGET}", file=sys.stderr)
    elif table is None:
        raise UserError("no table is named", where="TABLE", fix="name a CSV or Parquet file, or give --example")
    if target is None:
        raise UserError("no target is named", where="--target", fix="name the column that is to be predicted")
    numbers = run_influence(params, table, out=out, target=target, nuisance=nuisance, mode=mode, row=row)
    print(text_of(numbers, output_format, format_influence))
    for note in numbers["notes"]:
        print(f"note: {note}", file=sys.stderr)
    print(f"page: {out}", file=sys.stderr)
