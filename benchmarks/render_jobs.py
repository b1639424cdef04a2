"""What every renderer renders: the same words in the same fonts, as files that all of them read."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.common.params import Params
from tasks.crop_table.splits import TEXT_SIDE, TRAIN
from tasks.crop_table.text_side import text_side

SHARED = "Latn"  # the script that every renderer renders: SynthTIGER shapes no others
FONTS = 40  # of a script, at most: one a family
JOBS = 4096


def write_jobs(folder: Path, params: Params, *, fonts: Path, words: Path, scripts: list[str]) -> Path:
    """Write fonts, jobs and tables for `scripts` into `folder`, and return the file of jobs.

    jobs.json holds `height` in pixels and `jobs`, [text, font file] in random order, as many of each script.
    fonts.parquet and words.parquet are the parts of the given tables that the jobs come from: fonts and words of the
    training side.

    Raises:
        SystemExit: no font of a script covers a word.
    """
    font_rows, word_rows = _fonts_of(fonts, scripts), _words_of(words, scripts, params)
    folder.mkdir(parents=True)
    names = [f"{number:04}.ttf" for number in range(font_rows.num_rows)]
    for name, data in zip(names, font_rows.column("font").to_pylist(), strict=True):
        (folder / name).write_bytes(data)
    pq.write_table(font_rows, folder / "fonts.parquet", row_group_size=8)
    pq.write_table(word_rows, folder / "words.parquet")
    random = np.random.default_rng(0)
    jobs: list[tuple[str, str]] = []
    for script in scripts:
        pairs = _covered(font_rows, word_rows, script, names)
        if not pairs:
            raise SystemExit(f"no font of the training side covers a word of {script} ({fonts}): unfont fonts")
        jobs += [pairs[index] for index in random.integers(len(pairs), size=JOBS // len(scripts))]
    mixed = [(text, str(folder / name)) for text, name in (jobs[index] for index in random.permutation(len(jobs)))]
    path = folder / "jobs.json"
    path.write_text(json.dumps({"height": params.crops.height, "jobs": mixed}), encoding="utf-8")
    return path


def _fonts_of(path: Path, scripts: list[str]) -> pa.Table:
    """Training-side fonts of the scripts, the first of each family."""
    facts = pq.read_table(path, columns=["family", "script", "side"]).to_pylist()
    found: dict[str, dict[str, int]] = {script: {} for script in scripts}
    for index, row in enumerate(facts):
        chosen = found.get(row["script"])
        if chosen is not None and row["side"] == TRAIN and len(chosen) < FONTS:
            chosen.setdefault(row["family"], index)
    return _rows(path, sorted(index for chosen in found.values() for index in chosen.values()))


def _rows(path: Path, indices: list[int]) -> pa.Table:
    """Rows of a table by their indices, a row group in memory at a time."""
    parts, start = [], 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            inside = [index - start for index in indices if start <= index < stop]
            if inside:
                parts.append(file.read_row_group(group).take(inside))
            start = stop
        return pa.concat_tables(parts) if parts else file.schema_arrow.empty_table()


def _words_of(path: Path, scripts: list[str], params: Params) -> pa.Table:
    """Training-side words of the scripts."""
    table = pq.read_table(path)
    wanted = pc.is_in(table.column("script").cast(pa.string()), pa.array(scripts))
    table = table.filter(pc.and_(wanted, pc.equal(table.column("kind"), "word")))
    kept = [
        text_side(text, script=script, settings=params.tag, seed=params.seed) == TEXT_SIDE[TRAIN]
        for text, script in zip(table.column("text").to_pylist(), table.column("script").to_pylist(), strict=True)
    ]
    return table.filter(pa.array(kept))


def _covered(fonts: pa.Table, words: pa.Table, script: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """Every (word, font file) of a script where the font has the word's characters."""
    texts = words.filter(pc.equal(words.column("script").cast(pa.string()), script)).column("text").to_pylist()
    rows: list[dict[str, Any]] = fonts.select(["script", "coverage"]).to_pylist()
    found = []
    for name, row in zip(names, rows, strict=True):
        if row["script"] == script:
            letters = set(map(chr, row["coverage"]))
            found += [(text, name) for text in texts if letters.issuperset(text)]
    return found
