import shutil
from pathlib import Path

import pandas as pd
import pyarrow.dataset as pads
import pytest

from apps.review import review
from tasks.common.files import write_json
from tasks.crop_table.shards import read_rows, write_shards
from tasks.mine.label_errors import write_suspects
from tasks.mine.review import read_decisions
from tests.conftest import ROOT
from tests.project import write_params
from tests.tasks.toycrops import make_toy_table
from unfont.errors import UserError

KEPT = Path("data/reviews/debug.csv")
PAGE = Path("data/debug/review/index.html")


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crop table whose text crops are a user's own and whose background is generated."""
    folder = tmp_path_factory.mktemp("crops")
    table = pads.dataset(make_toy_table(folder / "drawn")).to_table()
    origin = ["rendered" if label == "Zxxx" else "user" for label in table["script"].to_pylist()]
    write_shards(folder / "table", [table.set_column(table.schema.get_field_index("origin"), "origin", [origin])])
    return folder / "table"


@pytest.fixture
def home(here: Path, crops: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", here)
    problem = {"target": "script", "nuisances": ["font_style"], "group": "design", "source": "both"}
    write_params(here, {"problem": "debug", "problems": {"debug": problem}})
    shutil.copytree(crops, here / "data" / "debug" / "table")
    return here / "data" / "debug"


def rows_of(home: Path, split: str, *, label: str) -> list[str]:
    rows = read_rows(home / "table", splits=[split])
    return rows["key"][rows["script"] == label].tolist()


def suspect(home: Path, keys: list[str], *, number: int = 1) -> list[str]:
    """A round that suspects these crops, given as Latn, to be Grek."""
    probabilities = [0.9 - n / 1000 for n in range(len(keys))]
    frame = pd.DataFrame(
        {"key": keys, "given": "Latn", "suggested": "Grek", "p_given": 0.05, "p_suggested": probabilities}
    )
    folder = home / "rounds" / str(number)
    folder.mkdir(parents=True)
    write_suspects(folder / "review.parquet", frame)
    write_json(folder / "round.json", {"round": number})
    return keys


def kept() -> dict[str, str]:
    return dict(read_decisions(KEPT).itertuples(index=False, name=None))


def test_a_problem_of_rendered_crops_has_nothing_to_review(home, capsys):
    write_params(Path(), {"problems": {"debug": {"source": "drawn"}}})
    review()
    assert capsys.readouterr().out == "nothing to review in debug: every crop's label is known: it was rendered\n"
    with pytest.raises(UserError, match="it was rendered"):
        review(drop=["abcdef"])


def test_before_the_first_round_it_says_so(home, capsys):
    review()
    assert "no round has run yet" in capsys.readouterr().out
    assert not PAGE.exists()


def test_rounds_without_folds_are_distinguished(home, capsys):
    write_json(home / "rounds" / "1" / "round.json", {"round": 1})
    review()
    assert "mine.folds" in capsys.readouterr().out


def test_it_lists_what_is_open_and_writes_the_page(home, capsys):
    keys = suspect(home, rows_of(home, "pool", label="Latn")[:3])
    review()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 suspected labels are open, 0 are decided"
    assert [line.split()[0] for line in lines[2:5]] == [key[:12] for key in keys]
    assert lines[2].split()[1:] == ["1", "0.05", "0.90", "Latn", "->", "Grek"]
    assert lines[-1] == f"decide on their page: {PAGE}"
    assert all(key in PAGE.read_text(encoding="utf-8") for key in keys)
    before = PAGE.read_bytes()
    review()
    assert PAGE.read_bytes() == before


def test_a_long_list_is_cut_short(home, capsys):
    keys = rows_of(home, "pool", label="Latn") + rows_of(home, "train", label="Latn")
    suspect(home, keys)
    review()
    lines = capsys.readouterr().out.splitlines()
    assert len(keys) == 70 and len(lines) == 44
    assert lines[-2] == "and 30 less suspicious ones"


def test_every_way_to_decide_is_kept_and_the_rest_stays_open(home, capsys):
    one, two, three, four, five = suspect(home, rows_of(home, "pool", label="Latn")[:5])
    unsuspected = rows_of(home, "train", label="Hebr")[0]
    review(accept=[one[:8], unsuspected], correct=[two[:8], f"{three} = Hebr"], drop=[four[:20]])
    said = capsys.readouterr().out
    assert kept() == {one: "Latn", two: "Grek", three: "Hebr", four: "", unsuspected: "Hebr"}
    assert "5 decided" in said and "1 suspected labels are open, 5 are decided" in said
    assert "unfont run" in said and "round 1" in said
    assert five in PAGE.read_text(encoding="utf-8") and one not in PAGE.read_text(encoding="utf-8")


def test_a_decision_can_be_changed(home):
    key = suspect(home, rows_of(home, "pool", label="Latn")[:1])[0]
    review(drop=[key])
    review(correct=[key])
    assert kept() == {key: "Grek"}


def test_what_the_page_saved_is_taken_in(home):
    one, two = suspect(home, rows_of(home, "pool", label="Latn")[:2])
    Path("decisions.csv").write_text(f'key,label\n{one},"Hebr"\n{two},""\n', encoding="utf-8")
    review(decided=Path("decisions.csv"))
    assert kept() == {one: "Hebr", two: ""}


def test_when_all_is_decided_nothing_is_open(home, capsys):
    keys = suspect(home, rows_of(home, "pool", label="Latn")[:2])
    review(accept=keys)
    assert "0 suspected labels are open, 2 are decided" in capsys.readouterr().out
    assert "There is nothing to review" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"correct": ["{key}=Klingon"]}, "does not have"),
        ({"correct": ["{key}="]}, "there is no label"),
        ({"correct": ["{own}"]}, "no label is suggested"),
        ({"accept": ["ffff"]}, "6 to 64"),
        ({"accept": ["{drawn}"]}, "none of your own"),
        ({"accept": ["{tested}"]}, "none of your own"),
        ({"accept": ["{key}"], "drop": ["{key}"]}, "two decisions"),
        ({"decided": Path("missing.csv")}, "no such file"),
        ({"decided": Path("unknown.csv")}, "none of your own"),
        ({"decided": Path("label.csv")}, r"does not have \(label.csv\)"),
        ({"decided": Path("broken.csv")}, "broken.csv, line 2"),
    ],
)
def test_a_wrong_decision_keeps_nothing(home, options, said):
    key, fine = suspect(home, rows_of(home, "pool", label="Latn")[:2])
    names = {"key": key, "own": rows_of(home, "train", label="Hebr")[0]}
    names |= {"drawn": rows_of(home, "pool", label="Zxxx")[0], "tested": rows_of(home, "test_seen", label="Latn")[0]}
    for name, line in {"unknown": f"{'0' * 64},Latn", "label": f"{key},Klingon", "broken": "abc,Latn"}.items():
        Path(f"{name}.csv").write_text(f"key,label\n{line}\n", encoding="utf-8")
    filled = {
        name: value if isinstance(value, Path) else [text.format(**names) for text in value]
        for name, value in options.items()
    }
    with pytest.raises(UserError, match=said):
        review(**{**filled, "drop": [*filled.get("drop", []), fine]})
    assert not KEPT.exists() and not PAGE.exists()


def test_without_a_crop_table_it_says_how_to_make_one(home):
    shutil.rmtree(home / "table")
    with pytest.raises(UserError, match="unfont tag"):
        review()
