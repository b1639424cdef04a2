"""Provenance of crops of a small home whose files are written here, as the stages write them."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tasks.browse.history import history_of, picture_of, save_picture
from tasks.browse.history_text import format_history
from tasks.common.params import Params
from tasks.crop_table.shards import read_images, read_rows, write_shards
from tasks.evaluate.evaluate import SCHEMA
from tasks.mine.additions import MINED_SCHEMA
from tasks.mine.label_errors import write_suspects
from tasks.mine.score_table import score_schema
from tasks.mine.select import OUTCOMES
from tasks.train.model_folder import TRAINING_SCHEMA
from tests.tasks.toycrops import make_toy_table, toy_params
from unfont.errors import UserError

HOME = Path("data/scripts")
FIRST, SECOND = "a" * 64, "b" * 64  # weights


@pytest.fixture(scope="module")
def params() -> Params:
    return toy_params()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table in small shards; two crops of the pool are a pair, one is the user's own."""
    whole = make_toy_table(tmp_path_factory.mktemp("whole") / "table")
    rows = pq.read_table(whole / "part-000.parquet")
    pool = [row for row in rows.to_pylist() if row["split"] == "pool" and row["script"] == "Latn"]
    changes: dict[str, dict[str, Any]] = {each["key"]: {"pair": "one-word"} for each in pool[:2]}
    own = {"origin": "user", "ambiguous": True, "text": "line\nbreak \x1b[31m", "design": "d" * 200}
    changes[pool[2]["key"]] = {**own, "image": {**pool[2]["image"], "path": "crops/Latn/a.png"}}
    changed = [{**row, **changes.get(row["key"], {})} for row in rows.to_pylist()]
    folder = whole.parent.parent / "shards" / "table"
    write_shards(folder, [pa.Table.from_pylist(changed, schema=rows.schema)], rows=40)
    return folder


@pytest.fixture
def home(here: Path, table: Path) -> Path:
    """A tagged home, in the folder one stands in."""
    shutil.copytree(table, here / HOME / "table")
    return HOME


def keys_of(home: Path, split: str, script: str = "Latn") -> list[str]:
    rows = read_rows(home / "table", ["key", "script"], [split])
    return rows["key"][rows["script"] == script].tolist()


def write_rows(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=2)


def write_training(home: Path, number: int, rows: list[tuple[str, int, str | None, float | None]]) -> None:
    """Of a round: (key, round, weights, score)."""
    told = [dict(zip(TRAINING_SCHEMA.names, row, strict=True)) for row in rows]
    write_rows(home / f"rounds/{number}/training.parquet", told, TRAINING_SCHEMA)


def write_scores(home: Path, number: int, rows: list[dict[str, Any]]) -> None:
    """Of a round: `key`, `predicted`, `true`, `p` and, if it is wrong, `embedding`."""
    labels = ["Grek", "Hebr", "Latn", "Zxxx"]
    given = {"p_true": 0.125, "margin": -0.5, "loss": 2.0, "probabilities": [0.5, 0.25, 0.125, 0.125]}
    told = [{**given, **row} for row in rows]
    for row in told:
        row.update({name: np.array(row[name], np.float16) for name in ("probabilities", "embedding") if name in row})
    schema = score_schema(labels, weights=FIRST, severity="clean")
    write_rows(home / f"rounds/{number}/scores.parquet", told, schema)


def write_mined(home: Path, number: int, rows: list[tuple[str, str, str, str, float, str]]) -> None:
    """Of a round: (key, true, predicted, nuisance, score, outcome), hardest first."""
    told = [dict(zip(MINED_SCHEMA.names, (*row, FIRST), strict=True)) for row in rows]
    write_rows(home / f"rounds/{number}/mined.parquet", told, MINED_SCHEMA)


def write_round(home: Path, number: int, **facts: Any) -> None:
    told = {"round": number, "previous": number - 1, "stopped": False, "why": None, **facts}
    (home / "rounds" / str(number) / "round.json").write_text(json.dumps(told), encoding="utf-8")


def mined_home(home: Path, outcome: str, **scores: Any) -> str:
    """Rounds 0 and 1, of which round 1 gave a crop of the pool this outcome; returns its key."""
    key = keys_of(home, "pool")[0]
    write_training(home, 0, [(keys_of(home, "train")[0], 0, None, None)])
    write_training(home, 1, [(keys_of(home, "train")[0], 0, None, None), (key, 1, FIRST, 0.75)])
    write_scores(home, 1, [{"key": key, "predicted": "Grek", "true": "Latn", "p": 0.75, **scores}])
    write_mined(home, 1, [(key, "Latn", "Grek", "bold", 0.75, outcome)])
    write_round(home, 1)
    return key


def told(params: Params, key: str) -> str:
    return format_history(history_of(params, key), picture=None, colour=False)


def test_a_crop_is_told_by_all_columns_of_its_row(home, params):
    rows = read_rows(home / "table").set_index("key")
    for key in rows.index[::40]:
        crop = history_of(params, key)["crop"]
        assert crop.pop("image_path") == ("crops/Latn/a.png" if crop["origin"] == "user" else None)
        expected = rows.loc[key].astype(object)
        assert {**crop, "key": key} == {**expected.where(expected.notna(), None).to_dict(), "key": key}


def test_a_crop_names_the_others_of_its_pair(home, params):
    one, other = keys_of(home, "pool")[:2]
    (found,) = history_of(params, one)["pair_crops"]
    assert found["key"] == other
    assert set(found) == {"key", "script", "font_style", "design"}
    assert f"one-word, with {other[:12]} (Latn, " in told(params, one)
    assert history_of(params, keys_of(home, "pool")[3])["pair_crops"] == []


def test_labels_say_what_they_are_to_the_problem(home, params):
    said = told(params, keys_of(home, "train")[0])
    for line in ("script       Latn (target)", "design       train-", "(group)", "(nuisance)"):
        assert line in said


def test_an_own_crop_is_shown_with_its_picture_and_without_its_control_characters(home, params):
    said = told(params, keys_of(home, "pool")[2])
    assert "image_path   crops/Latn/a.png" in said
    assert "line\\nbreak \\x1b[31m" in said
    assert "d" * 59 + "…" in said and "d" * 60 not in said
    assert "ambiguous    yes" in said


def test_what_has_not_run_is_not_known_yet(home, params):
    history = history_of(params, keys_of(home, "pool")[0])
    assert history["rounds"] == [{"round": number, "ran": False} for number in (0, 1, 2, 3)]
    assert told(params, history["key"]).count("unknown: this round has not run yet") == 4
    assert "no model has been evaluated yet" in told(params, keys_of(home, "test_seen")[0])


def test_a_round_tells_what_the_model_before_said_and_what_came_of_it(home, params):
    key = mined_home(home, "added")
    start, first, *rest = history_of(params, key)["rounds"]
    assert start["training"] is None and start["scored"] is None and start["stopped"] is None
    assert first["scored"] == {
        "predicted": "Grek",
        "true": "Latn",
        "p": 0.75,
        "p_true": 0.125,
        "margin": -0.5,
        "loss": 2.0,
        "weights": FIRST,
        "severity": "clean",
    }
    assert first["mined"]["outcome"] == "added" and first["mined"]["nuisance"] == "bold"
    assert first["training"] == {"round": 1, "weights": FIRST, "score": 0.75}
    assert [each["ran"] for each in rest] == [False, False]
    said = told(params, key)
    assert f"the model of round 0 (weights {FIRST[:12]}) predicted Grek with p 0.750, wrong: it is Latn" in said
    assert f"in its training set since round 1: added by weights {FIRST[:12]}, score 0.750" in said


def test_a_crop_of_train_is_there_from_the_start(home, params):
    mined_home(home, "added")
    key = keys_of(home, "train")[0]
    assert [each["training"]["round"] for each in history_of(params, key)["rounds"][:2]] == [0, 0]
    assert "in its training set since round 0: an initial crop" in told(params, key)
    assert "no prediction" not in told(params, key)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_is_told_in_words(home, params, outcome):
    assert OUTCOMES[outcome].sentence in told(params, mined_home(home, outcome))


def test_a_near_duplicate_names_the_nearest_harder_crop_that_was_kept(home, params):
    own, kept, easier, duplicate, other, pair = keys_of(home, "pool")[:6]
    angles = {own: 0.0, kept: 0.2, easier: 0.01, duplicate: 0.05, other: 1.0, pair: 0.02}
    rows = [
        (pair, "Zxxx", "added"),
        (kept, "Grek", "pair full"),
        (other, "Grek", "added"),
        (duplicate, "Grek", "near-duplicate"),
    ]
    rows += [(own, "Grek", "near-duplicate"), (easier, "Grek", "added")]
    scores = np.linspace(0.9, 0.5, len(rows))
    mined = [(key, "Latn", said, "bold", p, outcome) for (key, said, outcome), p in zip(rows, scores, strict=True)]
    write_mined(home, 1, mined)
    # Twice as long, the same direction: the cosine is what counts.
    vectors = {key: [2 * math.cos(angle), 2 * math.sin(angle)] for key, angle in angles.items()}
    write_scores(
        home,
        1,
        [
            {"key": k, "predicted": said, "true": "Latn", "p": p, "embedding": vectors[k]}
            for k, _, said, _, p, _ in mined
        ],
    )
    near = history_of(params, own)["rounds"][1]["mined"]["near"]
    assert near["key"] == kept
    assert near["distance"] == pytest.approx(1 - math.cos(0.2), abs=1e-3)  # of half precision
    assert f"near-duplicate of a harder crop (mine.near): the nearest is {kept[:12]}, at cosine distance 0.0" in told(
        params, own
    )


def test_a_near_duplicate_is_told_without_embeddings_too(home, params):
    key = mined_home(home, "near-duplicate")
    assert history_of(params, key)["rounds"][1]["mined"]["near"] is None
    (home / "rounds/1/scores.parquet").unlink()
    assert history_of(params, key)["rounds"][1]["mined"]["near"] is None
    assert "no prediction: the round has no score of this crop" in told(params, key)


def test_a_wrong_prediction_below_the_threshold_is_no_false_positive(home, params):
    key = mined_home(home, "added", p=0.25)
    write_mined(home, 1, [])
    assert "not a false positive: its probability is below mine.threshold" in told(params, key)
    write_scores(home, 1, [{"key": key, "predicted": "Latn", "true": "Latn", "p": 0.9}])
    said = told(params, key)
    assert "predicted Latn with p 0.900, correct" in said
    assert "false positive" not in said


def test_a_suspected_label_and_what_a_person_decided(home, params):
    key = mined_home(home, "set aside")
    row = {"key": [key], "given": ["Latn"], "suggested": ["Grek"], "p_given": [0.125], "p_suggested": [0.75]}
    write_suspects(home / "rounds/1/review.parquet", pd.DataFrame(row))
    assert "its label is suspected to be wrong: Latn is given (p 0.125), Grek is suggested (p 0.750)" in told(
        params, key
    )
    assert history_of(params, key)["decision"] is None

    decisions = Path("data/reviews/scripts.csv")
    decisions.parent.mkdir()
    decisions.write_text(f"key,label\n{key},Latn\n{'0' * 64},Hebr\n{key},Grek\n", encoding="utf-8")
    assert history_of(params, key)["decision"] == "Grek"
    assert "a person decided: its label is Grek" in told(params, key)
    decisions.write_text(f"key,label\n{key},\n", encoding="utf-8")
    assert "a person decided: it is excluded from training" in told(params, key)


def test_a_stopped_round_says_so_and_why(home, params):
    key = mined_home(home, "added")
    write_training(home, 2, [(key, 1, FIRST, 0.75)])
    write_mined(home, 2, [])
    write_round(home, 2, stopped=True, why="the last gain was within its spread")
    assert [each.get("stopped") for each in history_of(params, key)["rounds"]] == [None, False, True, None]
    last = told(params, key).split("round 2\n")[1]
    assert (
        "the rounds stopped here (the last gain was within its spread): the model of the round before is kept" in last
    )
    assert "in its training set since round 1" in last
    assert "no prediction" not in last


def test_a_test_crop_has_the_predictions_of_every_model_and_the_chosen_one_is_marked(home, params):
    keys = keys_of(home, "test_unseen")
    rows = [
        {"model": model, "split": "test_unseen", "severity": severity, "key": key, "true": "Latn", "ambiguous": False}
        | {"predicted": "Latn" if model == "erm" else "Grek", "p": 0.5 + place / 8, "p_text": 1.0}
        for model in ("round-0", "erm")
        for place, severity in enumerate(("clean", "light"))
        for key in keys
    ]
    write_rows(home / "predictions.parquet", rows, SCHEMA)
    choice = {"name": "erm", "path": "invariance/erm", "weights": SECOND, "criterion": "x", "value": 0.5}
    (home / "chosen.json").write_text(json.dumps(choice), encoding="utf-8")

    evaluation = history_of(params, keys[1])["evaluation"]
    assert evaluation["chosen"] == "erm"
    assert evaluation["predictions"] == [row for row in rows if row["key"] == keys[1]]
    lines = [line.split() for line in told(params, keys[1]).splitlines()[-4:]]
    assert lines[:3] == [
        ["model", "clean", "light"],
        ["round-0", "Grek", "0.500", "!", "Grek", "0.625", "!"],
        ["*", "erm", "Latn", "0.500", "Latn", "0.625"],
    ]
    assert "not used: rounds use" in told(params, keys[1])
    assert "the predictions do not have this crop" in told(params, keys_of(home, "test_seen")[0])


def test_the_story_is_json(home, params):
    history = history_of(params, mined_home(home, "near-duplicate"))
    assert json.loads(json.dumps(history, allow_nan=False)) == history


def test_the_first_digits_of_a_key_are_enough(home, params):
    key = keys_of(home, "pool")[0]
    for given in (key[:6], key[:9].upper(), f" {key} "):
        assert history_of(params, given)["key"] == key


@pytest.mark.parametrize("key", ["", "abcde", "0" * 65, "latin-word", "12345g", "../../etc"])
def test_what_is_no_key_is_one_line(home, params, key):
    with pytest.raises(UserError, match="this is not the key of a crop") as error:
        history_of(params, key)
    assert "\n" not in str(error.value)


def test_an_unknown_key_says_where_rejected_pictures_are(home, params):
    with pytest.raises(UserError, match=r"no key begins with 0{64} .*rejected\.parquet names it by its path"):
        history_of(params, "0" * 64)


def test_an_ambiguous_key_names_five_of_its_crops(home, params):
    shards = sorted((home / "table").glob("part-*.parquet"))
    rows = pq.read_table(shards[0])
    keys = [f"abcdef{number}{'0' * 57}" if number < 7 else key for number, key in enumerate(rows["key"].to_pylist())]
    pq.write_table(rows.set_column(rows.column_names.index("key"), "key", pa.array(keys)), shards[0])
    with pytest.raises(UserError, match="7 keys begin with abcdef") as error:
        history_of(params, "abcdef")
    assert str(error.value).count("abcdef") == 6  # what was asked, and five
    assert "abcdef4000000000, …" in str(error.value)
    assert history_of(params, "abcdef6")["key"] == keys[6]


def test_without_a_table_it_says_what_makes_one(here, params):
    with pytest.raises(UserError, match="unfont tag"):
        history_of(params, "abcdef")


@pytest.mark.parametrize(
    ("name", "fix"),
    [("scores.parquet", "unfont round 1"), ("mined.parquet", "unfont round 1"), ("round.json", "round 1")],
)
def test_a_damaged_file_is_one_line(home, params, name, fix):
    key = mined_home(home, "added")
    path = home / "rounds" / "1" / name
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(UserError, match=fix):
        history_of(params, key)


def test_shards_that_cannot_hold_the_crop_are_not_read(home, params):
    """Their pictures are overwritten: whoever reads them stumbles."""
    key = keys_of(home, "pool")[0]
    for shard in (home / "table").glob("part-*.parquet"):
        keys = pq.read_table(shard, columns=["key"])["key"].to_pylist()
        if min(keys) <= key <= max(keys):
            continue
        data = bytearray(shard.read_bytes())
        column = pq.ParquetFile(shard).metadata.row_group(0).column(0)
        assert column.path_in_schema == "image.bytes"
        start = column.dictionary_page_offset or column.data_page_offset
        data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
        shard.write_bytes(data)
    with pytest.raises(OSError, match="page header"):
        pq.read_table(home / "table")
    assert len(history_of(params, key)["pair_crops"]) == 1
    assert picture_of(params, key).shape == (16, 48)


def test_the_picture_is_the_crop_itself_and_is_saved_four_times_as_large(home, params, tmp_path):
    key = keys_of(home, "pool")[0]
    pixels = picture_of(params, key)
    np.testing.assert_array_equal(pixels, read_images(home / "table", keys=[key])[0][0])
    save_picture(tmp_path / "new" / "crop.png", pixels)
    with Image.open(tmp_path / "new" / "crop.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.kron(pixels, np.ones((4, 4), np.uint8)))
    assert format_history(history_of(params, key), picture=pixels, colour=True).startswith("\x1b[38;2;")


def test_a_picture_is_no_folder_and_no_other_kind_of_file(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "kept").touch()
    for name in ("folder.png", "crop.jpg", "crop"):
        with pytest.raises(UserError, match=r"ends in \.png"):
            save_picture(tmp_path / name, np.zeros((2, 2, 3), np.uint8))
    assert [path.name for path in tmp_path.rglob("*")] == ["folder.png", "kept"]
