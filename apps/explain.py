"""`unfont explain`: what the answer to a picture rests on, and whether to believe it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from apps.model_named import model_folder
from tasks.common.params import read_params
from tasks.explain.attribution import explain_files
from tasks.explain.attribution_page import write_attention_page
from tasks.inspect.attribution_text import format_attention, numbers_of
from tasks.pages.single_page import check_page
from tasks.predict.champion import temperature_of
from tasks.train.weights import weights_of


def explain(files: Sequence[Path], *, model: str, out: Path, output_format: str) -> bool:
    """Print a line a picture, write the page of their maps, and tell of every file that is left out.

    Args:
        model: name of a model, `champion`, or a model folder.
        out: where the page goes; it is written where at least one picture can be read.
        output_format: 'table' or 'json'.

    Returns:
        Whether all files could be read.

    Raises:
        UserError: the model or the page is wrong.
    """
    params = read_params()
    check_page(out)
    folder = model_folder(params, model)
    temperature = temperature_of(params, folder)
    explained, problems = explain_files(params, files, model_folder=folder, temperature=temperature)
    if explained is not None:
        numbers = numbers_of(explained)
        more = write_attention_page(
            out, explained, numbers=numbers, settings=params.attention, model=model, weights=weights_of(folder)
        )
        print(format_attention(numbers, output_format))
        left = f"; {more} pictures had no room on it" if more else ""
        print(f"page: {out}{left}", file=sys.stderr)
    for problem in problems:
        print(f"unfont: {problem}", file=sys.stderr)
    return not problems
