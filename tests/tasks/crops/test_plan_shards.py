"""Drawing all crops: what is planned, what is counted, and in which order it comes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.common.drawing_settings import SplitCounts
from tasks.common.parallel import spread
from tasks.common.params import ProblemSettings
from tasks.crop_table.kinds import kinds_of
from tasks.crop_table.splits import DESIGN_SIDE, TEXT_SIDE, TRAIN
from tasks.crop_table.text_side import LISTED, may_train, text_side
from tasks.crops.plan_shards import SHARD, check_problem, plan_shards, rendered_tables, text_crops, train_crops
from tasks.crops.shard import Shard
from tasks.crops.sources import read_fonts
from tests.tasks.crops.toysource import (
    CROPS,
    PROBLEM,
    TAG,
    TEXT,
    WORDS,
    ZXXX,
    draw,
    source_of,
    write_words,
)
from unfont.errors import UserError


@pytest.fixture(scope="module")
def table(fonts: Path, words: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return draw(fonts, words, tmp_path_factory.mktemp("work"))[0]


@pytest.fixture(scope="module")
def rows(table: pa.Table) -> pd.DataFrame:
    return table.drop_columns("image").to_pandas().astype({"script": str, "design": str, "planned": str})


def planned(shards: Sequence[Shard]) -> dict[tuple[str, str], int]:
    counts = Counter[tuple[str, str]]()
    for shard in shards:
        counts.update({(shard.script, split): stop - start for split, start, stop in shard.pieces})
    return dict(counts)


def test_counts_are_the_settings(rows: pd.DataFrame) -> None:
    counts = rows.groupby(["script", "planned"]).size()
    for split, count in TEXT.model_dump().items():
        assert counts["Grek", split] == counts["Latn", split] == count
    for split, count in ZXXX.model_dump().items():
        assert counts["Zxxx", split] == count


def test_every_row_is_on_its_splits_side(rows: pd.DataFrame, fonts: Path) -> None:
    side_of = pd.read_parquet(fonts).astype({"side": str}).drop_duplicates("design").set_index("design")["side"]
    for row in rows.itertuples():
        if row.script == "Zxxx":
            assert row.kind in kinds_of(row.planned) and row.design == f"Zxxx:{row.kind}"
        else:
            assert side_of[row.design] == DESIGN_SIDE[row.planned]
            if TEXT_SIDE[row.planned] == TRAIN:
                assert may_train(row.text, script=row.script, settings=TAG, seed=0)
            else:
                assert text_side(row.text, script=row.script, settings=TAG, seed=0) == TEXT_SIDE[row.planned]


def test_styles_and_designs_take_turns(rows: pd.DataFrame) -> None:
    train = rows[(rows["script"] == "Latn") & (rows["planned"] == "train")]
    assert np.ptp(train["font_style"].astype(str).value_counts()) <= 1
    for _, style in train.groupby("font_style", observed=True):
        assert np.ptp(style["design"].value_counts()) <= 1


@pytest.mark.parametrize("runner", ["processes", "threads"])
def test_rows_do_not_depend_on_the_runner(
    runner: str, table: pa.Table, fonts: Path, words: Path, tmp_path: Path
) -> None:
    whole = draw(fonts, words, tmp_path / "work", fan_out=partial(spread, runner=runner, workers=2))[0]
    assert whole.equals(table) and list((tmp_path / "work").iterdir()) == []


def test_shards_are_fetched_one_at_a_time_and_removed(
    fonts: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.crops.plan_shards.SHARD", 12)
    waiting: list[int] = []

    def all_at_once(work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        drawn = [work(item) for item in items]
        for shard in drawn:
            waiting.append(len(list(tmp_path.iterdir())))
            yield shard

    counts = Counter[str]()
    tables = rendered_tables(
        CROPS,
        problem=PROBLEM,
        tag=TAG,
        seed=0,
        fonts=fonts,
        words=words,
        work=tmp_path,
        fan_out=all_at_once,
        counts=counts,
    )
    sizes = [table.num_rows for table in tables]
    assert waiting == list(range(len(sizes), 0, -1)) and not list(tmp_path.iterdir())
    assert max(sizes) <= 12 and sum(sizes) == sum(counts[f"crops.{split}"] for split in TEXT.model_dump())


def test_shards_are_even_and_whole(fonts: Path, words: Path) -> None:
    asked = SplitCounts(train=5001, pool=300, validation=10, test_seen=0, test_unseen=1701)
    shards, _ = plan_shards(CROPS.model_copy(update={"text": asked}), source_of(fonts, words))
    assert [shard.number for shard in shards] == list(range(len(shards)))
    assert [shard.script for shard in shards] == sorted(shard.script for shard in shards)  # Zxxx is last by name too
    for shard in shards:
        assert sum(stop - start for _, start, stop in shard.pieces) <= SHARD
        assert all(start % 2 == 0 < stop - start for _, start, stop in shard.pieces)
    for script in ("Grek", "Latn"):
        drawn = [(split, n) for shard in shards if shard.script == script
                 for split, start, stop in shard.pieces for n in range(start, stop)]  # fmt: skip
        assert drawn == [(split, n) for split, count in asked.model_dump().items() for n in range(count)]


def test_a_script_of_many_designs_gets_more_training_crops_and_none_fewer() -> None:
    asked = SplitCounts(train=1000, pool=1, validation=1, test_seen=1, test_unseen=1)
    settings = CROPS.model_copy(update={"text": asked, "designs": 4})
    assert [train_crops(settings, designs) for designs in (1, 4, 16, 36)] == [1000, 1000, 2000, 3000]
    assert train_crops(settings.model_copy(update={"designs": None}), 36) == 1000


def test_scripts_that_are_not_learned_get_more_crops_to_learn_from_and_none_more_to_test() -> None:
    asked = SplitCounts(train=1000, pool=300, validation=20, test_seen=10, test_unseen=15)
    settings = CROPS.model_copy(update={"text": asked, "designs": 4, "others": 2.5})
    assert text_crops(settings, "Latn", 4) == text_crops(settings, "Zyyy", 4) == asked.model_dump()
    assert text_crops(settings, "Zzzz", 4) == asked.model_dump() | {"train": 2500, "pool": 750}
    assert text_crops(settings, "Latn", 16)["train"] == 2 * asked.train == 2 * text_crops(settings, "Zyyy", 16)["train"]
    assert text_crops(settings, "Zzzz", 16) == asked.model_dump() | {"train": 5000, "pool": 750}


def test_the_crops_of_scripts_that_are_not_learned_are_drawn_so_many_times(fonts: Path, tmp_path: Path) -> None:
    table = pq.read_table(fonts)
    rows = [row | {"script": "Zzzz"} for row in table.to_pylist() if row["script"] == "Latn"]
    pq.write_table(
        pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)]), tmp_path / "fonts.parquet"
    )
    words = write_words(tmp_path / "words.parquet", {**WORDS, "Zzzz": WORDS["Latn"]})
    source = source_of(tmp_path / "fonts.parquet", words)
    drawn = {factor: planned(plan_shards(CROPS.model_copy(update={"others": factor}), source)[0]) for factor in (1, 3)}
    more = {("Zzzz", "train"): 3 * TEXT.train, ("Zzzz", "pool"): 3 * TEXT.pool}
    assert drawn[3] == drawn[1] | more and drawn[1]["Zzzz", "train"] == TEXT.train


def test_without_scripts_that_are_not_learned_their_factor_does_nothing(fonts: Path, words: Path) -> None:
    source = source_of(fonts, words)
    assert plan_shards(CROPS.model_copy(update={"others": 3.0}), source) == plan_shards(CROPS, source)


def test_training_crops_follow_the_designs_that_train(fonts: Path, words: Path) -> None:
    asked = SplitCounts(train=100, pool=1, validation=1, test_seen=1, test_unseen=1)
    source = source_of(fonts, words)
    shards, _ = plan_shards(CROPS.model_copy(update={"text": asked, "designs": 1}), source)
    for script in ("Grek", "Latn"):
        designs = {font.design for font in read_fonts(source.fonts, script)[script] if font.side == "train"}
        drawn = [stop - start for shard in shards if shard.script == script
                 for split, start, stop in shard.pieces if split == "train"]  # fmt: skip
        assert sum(drawn) == round(100 * len(designs) ** 0.5)


def test_the_seed_changes_the_crops(rows: pd.DataFrame, fonts: Path, words: Path, tmp_path: Path) -> None:
    other = draw(fonts, words, tmp_path, seed=1)[0]
    assert not set(rows["key"]) & set(other.column("key").to_pylist())


def test_what_cannot_be_drawn_is_counted(fonts: Path, tmp_path: Path) -> None:
    # The toy fonts have no ŵ; and the fonts below have no design for validation.
    words = write_words(tmp_path / "words.parquet", {"Latn": [*WORDS["Latn"], "ŵŵ"]})
    table = pq.read_table(fonts)
    table = table.filter(pa.array([side != "validation" for side in table["side"].to_pylist()]))
    pq.write_table(table, tmp_path / "fonts.parquet")
    drawn, counts = draw(tmp_path / "fonts.parquet", words, tmp_path / "work")
    on_validation = [
        word for word in WORDS["Latn"] if text_side(word, script="Latn", settings=TAG, seed=0) == "validation"
    ]
    assert counts["words_uncovered"] == 1 + len(on_validation)
    assert counts["missing"] == counts["missing.Latn.validation"] == TEXT.validation
    assert drawn.num_rows == sum(TEXT.model_dump().values()) + sum(ZXXX.model_dump().values()) - TEXT.validation
    assert {"redrawn", "unshaped"} <= set(counts)


def test_a_script_without_fonts_is_told(fonts: Path, tmp_path: Path) -> None:
    words = write_words(tmp_path / "words.parquet", {"Latn": ["alpha"], "Thai": ["ไทย"]})
    with pytest.raises(UserError, match="Thai"):
        draw(fonts, words, tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_a_listed_word_that_no_font_has_is_told(fonts: Path, tmp_path: Path) -> None:
    words = {**WORDS, "Latn": [*WORDS["Latn"], "naïveЖ"]}
    told = write_words(tmp_path / "words.parquet", words, language=LISTED)
    with pytest.raises(UserError, match=r"naïveЖ.*Latn\.txt"):
        draw(fonts, told, tmp_path / "work")
    counted = write_words(tmp_path / "words.parquet", words)
    assert draw(fonts, counted, tmp_path / "work")[1]["words_uncovered"] == 1


def test_the_problem_names_the_columns(fonts: Path, words: Path, tmp_path: Path) -> None:
    bare = ProblemSettings(target="script", nuisances=["colour"], group="design", source="both")
    drawn, _ = draw(fonts, words, tmp_path, problem=bare)
    assert drawn.column_names[:3] == ["image", "script", "design"] and "font_style" not in drawn.column_names


@pytest.mark.parametrize(
    "changes",
    [{"target": "language"}, {"group": "font_family"}, {"nuisances": ["font_style", "weight"]}],
)
def test_labels_that_no_drawn_crop_has_are_told(changes: dict[str, Any]) -> None:
    check_problem(PROBLEM)
    with pytest.raises(UserError, match="source: own"):
        check_problem(PROBLEM.model_copy(update=changes))


def test_without_fonts_of_other_scripts_their_label_is_left_out_and_counted(fonts: Path, tmp_path: Path) -> None:
    words = write_words(tmp_path / "words.parquet", {**WORDS, "Zzzz": ["ᏣᎳᎩ", "ᎠᎹ"]})
    shards, counts = plan_shards(CROPS, source_of(fonts, words))
    assert {shard.script for shard in shards} == {"Grek", "Latn", "Zxxx"}
    assert {split: counts[f"missing.Zzzz.{split}"] for split in TEXT.model_dump()} == TEXT.model_dump()
