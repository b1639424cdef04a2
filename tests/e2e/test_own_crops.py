"""A problem of one's own pictures, through the whole chain by `problem: faces`, and back to drawn crops."""

import shutil

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flows.fonts import OUT as FONTS
from flows.words import OUT as WORDS
from tasks.common.files import read_json
from tasks.common.params import read_params
from tasks.crop_table.shards import read_table
from tasks.crop_table.text_side import may_train
from tasks.live.keep import keep_crop
from tasks.live.typed import FontBook
from tasks.predict.torch_model import TorchModel
from tests.project import DEBUG, is_clean, make_project, unfont, write_params
from tests.toyfaces import MOODS, PEOPLE, POSES, make_toy_faces
from unfont.answers import answers

pytestmark = pytest.mark.e2e

SMALL = {
    "crops": {"height": 24, "width": 32},
    "train": {"epochs": 12},
    "mine": {"epochs": 2},
    "invariance": {"epochs": 2},
    "evaluate": {"cell_crops": 2},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory, prefect_server):
    problems = {**DEBUG["problems"], "faces": {"settings": SMALL}}
    folder = make_project(tmp_path_factory.mktemp("own") / "project", problem="faces", problems=problems)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert unfont("setup")[0] == 0
        yield folder


def test_without_pictures_a_run_says_how_to_bring_them_in(project):
    status, said = unfont("run")
    assert status == 2
    assert "unfont tag --from" in said.splitlines()[-1]


def test_an_archive_goes_through_the_whole_chain(project):
    good = make_toy_faces(project / "faces.tar.gz")
    status, said = unfont("tag", "--from", "faces.tar.gz")
    assert status == 0, said
    assert "left out: 1 file without a picture's suffix; if .bad" in said
    assert f"{good} of {good} pictures" in said
    status, said = unfont("run")
    assert status == 0, said
    home = project / "data" / "faces"
    assert (home / "report" / "index.html").stat().st_size > 1000
    assert is_clean(project)
    metrics = read_json(home / "metrics" / "evaluate.json")
    assert metrics["chosen"]["test_unseen"]["clean"]["accuracy"] > 0.5  # of four poses
    assert metrics["chosen"]["test_unseen"]["clean"]["false_alarm_rate"] is None
    # Nobody held out has a name that a probe could say: it is tested on other pictures of people it knows.
    probe = read_json(home / "metrics" / "probe.json")
    assert probe["chosen"]["person"]["split"] == "test_seen"
    assert probe["nuisances"]["person"]["guess"]["test_seen"] is not None
    assert probe["nuisances"]["person"]["guess"]["test_unseen"] is None


def test_people_are_held_out_whole_and_no_picture_is_lost(project):
    home = project / "data" / "faces"
    rows = pd.concat(
        pq.read_table(path, columns=["person", "pose", "split"]).to_pandas() for path in home.glob("table/*.parquet")
    )
    rejected = pq.read_table(home / "rejected.parquet").to_pandas()
    people = {split: set(part["person"]) for split, part in rows.groupby("split", observed=True)}
    assert len(people["validation"]) and len(people["test_unseen"])
    assert not people["validation"] & people["test_unseen"]
    assert not people["train"] & (people["validation"] | people["test_unseen"])
    assert len(rows) + len(rejected) == len(PEOPLE) * len(POSES) * len(MOODS) * 2


def test_the_model_reads_pictures_by_the_same_pattern(project):
    shutil.unpack_archive("faces.tar.gz", "unpacked")
    status, said = unfont("evaluate", "--from", "unpacked", "--format", "csv")
    assert status == 0, said
    assert "straight" in said


def test_a_decision_on_a_label_is_kept_and_the_next_round_trains_by_it(project):
    status, said = unfont("review")
    assert status == 0, said
    home = project / "data" / "faces"
    keys = pq.read_table(home / "rounds" / "1" / "training.parquet")["key"].to_pylist()
    status, said = unfont("review", "--drop", keys[0][:16], "--correct", f"{keys[1]}=left")
    assert status == 0, said
    assert unfont("run", "--plan")[1].split()[0] == "round@1"
    status, said = unfont("run", "round@1")
    assert status == 0, said
    left = pq.read_table(home / "rounds" / "1" / "training.parquet")["key"].to_pylist()
    assert keys[0] not in left and keys[1] in left
    status, said = unfont("history", keys[0][:16])
    assert status == 0, said
    assert "excluded" in said


def test_drawn_crops_are_one_line_away(project):
    write_params(project, {"problem": "debug"})
    status, said = unfont("run", "tag")
    assert status == 0, said
    assert list((project / "data" / "debug" / "table").glob("*.parquet"))


def test_crops_that_the_live_page_kept_are_mined_by_the_next_round(project):
    assert unfont("run", "baseline")[0] == 0
    params = read_params()
    book, model = FontBook(FONTS, WORDS), TorchModel.of_folder(params.home / "rounds" / "0")
    words = pq.read_table(WORDS, filters=[("kind", "=", "word")]).to_pandas().groupby("script", observed=True)["text"]
    shown = [
        (font, text)
        for font in book.fonts.values()
        if font.side == "train"
        for text in words.get_group(font.script)[::3]
        if may_train(text, script=font.script, settings=params.tag, seed=params.seed) and book.can_draw(font.row, text)
    ]
    read = answers(model, [book.draw(font.row, text) for font, text in shown])
    wrong = [pair for pair, one in zip(shown, read, strict=True) if pair[0].script != one["script"] and one["p"] > 0.5]
    kept = [keep_crop(params, book, row=font.row, text=text).file.name for font, text in wrong[:12]]
    assert kept
    status, said = unfont("tag", "--from", "data/debug/live/manifest.csv", "--beside-drawn")
    assert status == 0, said
    columns = {name: pc.field(name) for name in ("key", "origin", "split")} | {"path": pc.field("image", "path")}
    rows = read_table(params.home / "table", columns).to_pandas()
    live = rows[rows["origin"] == "live"]
    assert set(live["path"]) == set(kept) and set(live["split"]) == {"pool"}
    status, said = unfont("run", "round@1")
    assert status == 0, said
    added = pq.read_table(params.home / "rounds" / "1" / "training.parquet", filters=[("round", "=", 1)])["key"]
    mined = sorted(set(live["key"]) & set(added.to_pylist()))
    assert mined
    status, said = unfont("history", mined[0][:16])
    assert status == 0 and "live" in said and "round 1" in said, said
