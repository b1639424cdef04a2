"""The score table: one model's predictions on every crop of a split, a row a crop, in the crop table's order."""

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.common.files import written_whole
from unfont.errors import UserError

FIX = "score the pool again with this model"


def score_schema(labels: list[str], *, weights: str, severity: str, **more: str) -> pa.Schema:
    """Columns of a score table, and the metadata of its file.

    `p` is p(predicted), `p_true` that of the true label, `margin` p_true less the best other label's p, `loss` the
    cross-entropy. `probabilities` are in the order of `labels`. `nuisance` is that of the first nuisance, for non-text
    the kind. `embedding` is there only where the prediction is wrong.

    Args:
        labels: of the model's target, as its card lists them.
        weights: SHA-256 of the model's weights; `read_scores` asks for it.
        severity: the crops' degradation.
        more: further facts that the file keeps.
    """
    half = pa.float16()
    fields: list[tuple[str, pa.DataType]] = [(name, pa.string()) for name in ("key", "predicted", "true", "nuisance")]
    fields += [(name, pa.float32()) for name in ("p", "p_true", "margin", "loss")]
    fields += [("probabilities", pa.list_(half, len(labels))), ("embedding", pa.list_(half))]
    facts = {"weights": weights, "labels": json.dumps(labels, ensure_ascii=False), "severity": severity, **more}
    return pa.schema(fields, metadata=facts)


def write_scores(path: Path, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write a score table, whole or not at all, table by table; each becomes a row group."""
    # Labels repeat; keys and floats do not.
    repeating = ["predicted", "true", "nuisance"]
    with (
        written_whole(path) as beside,
        pq.ParquetWriter(beside, schema, compression="zstd", use_dictionary=repeating) as writer,
    ):
        for table in tables:
            writer.write_table(table)


def read_scores(
    path: Path,
    *,
    weights: str,
    columns: list[str] | None = None,
    wrong: bool = False,
    keys: Collection[str] | None = None,
) -> pd.DataFrame:
    """A score table, or some of its columns.

    With `wrong`, only the rows with another label than the true one; with `keys`, only these crops'. Memory is
    bounded by what is returned.

    Raises:
        UserError: there is none, it cannot be read, or it is of another model.
    """
    chosen = None if keys is None else pa.array(list(keys), pa.string())
    with _reading(path) as file:
        held = _fact(file, "weights")
        if held != weights:
            what = f"these scores are of another model ({held[:12] or 'unknown'}, not {weights[:12]})"
            raise UserError(what, where=path, fix=FIX)
        wanted = columns or file.schema_arrow.names
        asked = list(dict.fromkeys([*wanted, "key", "predicted", "true"]))
        if missing := set(asked) - set(file.schema_arrow.names):
            raise UserError(f"these scores lack {', '.join(sorted(missing))}", where=path, fix=FIX)
        parts = [file.schema_arrow.empty_table().select(wanted)]
        for group in range(file.num_row_groups):
            part = file.read_row_group(group, columns=asked)
            if wrong:
                right = pc.equal(part["predicted"], part["true"])
                part = part.filter(pc.invert(pc.fill_null(right, False)))
            if chosen is not None:
                part = part.filter(pc.is_in(part["key"], value_set=chosen))
            parts.append(part.select(wanted))
        frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    return frame


def score_labels(path: Path) -> list[str]:
    """The labels that a score table's probabilities are of, in their order.

    Raises:
        UserError: there is no score table, or it cannot be read.
    """
    with _reading(path) as file:
        labels: list[str] = json.loads(_fact(file, "labels"))
    return labels


def fact_of(path: Path, name: str) -> str:
    """One fact that a score table's file keeps; empty where there is none, or no such file."""
    try:
        with _reading(path) as file:
            return _fact(file, name)
    except UserError:
        return ""


def _fact(file: pq.ParquetFile, name: str) -> str:
    facts: dict[bytes, bytes] = file.schema_arrow.metadata or {}
    return facts.get(name.encode(), b"").decode()


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise UserError("there are no scores", where=path, fix=FIX) from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError("the scores cannot be read", where=path, fix=FIX) from error
