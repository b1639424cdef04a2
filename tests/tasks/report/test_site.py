import re
import shutil
from html.parser import HTMLParser
from urllib.parse import parse_qs, unquote

import pandas as pd
import pytest

from tasks.common.files import read_json, write_json
from tasks.report.build import make_report
from tests.toyhome import toy_params
from tests.toyreport import DATA, REPORTED, write_report, write_results
from tests.toyrounds import make_mined_home
from unfont.errors import UserError

EVIL = '<script>alert("x")</script>' + "x" * 10_000


class Page(HTMLParser):
    """Tags, links and identifiers of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.alts = [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.ids.add(values.get("id"))
        self.links += [values[name] for name in ("href", "src") if values.get(name)]
        if tag == "img":
            self.alts.append(values.get("alt"))


@pytest.fixture
def out(reported):
    return reported / "report"


@pytest.fixture
def copy(reported, tmp_path):
    """The home without its report."""
    shutil.copytree(reported, tmp_path / "home", ignore=shutil.ignore_patterns("report"))
    return tmp_path / "home"


def test_there_is_a_page_for_every_round_and_layer(out):
    assert {page.stem for page in out.glob("*.html")} == {
        "index", "learned", "picture", "confusion", "accuracy", "invariance", "losses",
        "round-0", "round-1", "round-2",
        "activation-maximisation", "frequencies", "units", "mistakes", "compared", "compared-erm-conditional",
        "compared-erm-conditional+pairs", "compared-round-0-round-2", "redundancy",
        "layer-0-backbone.0", "layer-1-backbone.1", "layer-2-embedding", "layer-3-target_head",
        *(f"unit-{layer}-{unit}" for layer, units in enumerate([4, 6, 8, 3]) for unit in range(units)),
    }  # fmt: skip


def test_every_link_leads_somewhere_in_the_folder(out):
    pages = {page.name: Page(page.read_text(encoding="utf-8")) for page in out.glob("*.html")}
    for page in pages.values():
        for link in page.links:
            file, _, anchor = unquote(link).partition("#")
            assert not re.match(r"[a-z]+:|/", file)
            assert not file or (out / file).is_file(), link
            assert not anchor or not file or anchor in pages[file].ids or "=" in anchor
        assert all(page.alts)


def test_a_cell_of_the_confusion_matrix_leads_to_its_mistakes(out):
    links = [link for link in Page((out / "confusion.html").read_text(encoding="utf-8")).links if "#true=" in link]
    numbers, mistakes = read_json(out / "confusion.json"), read_json(out / "mistakes.json")["mistakes"]
    wrong = {(one["true"], one["predicted"]) for one in mistakes if one["split"] == "test_unseen"}
    asked = [parse_qs(link.partition("#")[2]) for link in links]
    assert {(one["true"][0], one["predicted"][0]) for one in asked} == wrong
    assert len(links) == len(wrong) + len(numbers["strongest"])
    page = (out / "mistakes.html").read_text(encoding="utf-8")
    assert all(f'data-label="{one["true"][0]}"' in page and one["split"] == ["test_unseen"] for one in asked)


def test_numbers_stand_beside_each_page(reported, out):
    for page in out.glob("*.html"):
        (numbers,) = re.findall(r'This page as JSON: <a href="([^"]+)"', page.read_text(encoding="utf-8"))
        layer = re.match(r"unit-(\d+)-", page.stem)
        assert numbers.startswith(f"layer-{layer[1]}-") if layer else numbers == f"{page.stem}.json"
        assert read_json(out / numbers)
    chosen = read_json(reported / "chosen.json")
    index = read_json(out / "index.json")
    assert index["chosen"] == chosen
    assert index["weights"][chosen["name"]] == chosen["weights"]
    metrics = read_json(reported / "metrics" / "evaluate.json")["chosen"]["test_unseen"]["light"]
    assert f"{100 * metrics['accuracy']:.1f}%" in (out / "index.html").read_text(encoding="utf-8")


def test_the_front_page_opens_with_real_pictures_and_shows_answers(out):
    index = read_json(out / "index.json")
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.index('50.0%</dd><dd class="note">right, of 2 of yours') < page.index("Unseen designs")
    assert "news/Latn" in page
    tested = pd.read_parquet(out.parent / "predictions.parquet").set_index(["model", "split", "severity", "key"])
    answers = [(one["key"], one["true"], one["predicted"]) for one in index["answers"]]
    assert len(answers) == len({true for _, true, _ in answers}) > 0
    for key, true, predicted in answers:
        row = tested.loc[(index["chosen"]["name"], "test_unseen", "light", key)]
        assert (row["true"], row["predicted"]) == (true, predicted)
    assert [one["model"] for one in index["modes"]] == ["erm", "conditional", "conditional+pairs"]
    assert index["forgets"] == (index["chosen"]["name"] in ("conditional", "conditional+pairs"))


def test_confusions_are_those_of_the_predictions(reported, out):
    rows = pd.read_parquet(reported / "predictions.parquet")
    name = read_json(reported / "chosen.json")["name"]
    rows = rows[(rows["model"] == name) & (rows["split"] == "test_unseen") & (rows["severity"] == "light")]
    numbers = read_json(out / "confusion.json")
    expected = pd.crosstab(rows["true"], rows["predicted"]).reindex(
        index=numbers["labels"], columns=numbers["labels"], fill_value=0
    )
    assert numbers["counts"] == expected.to_numpy().tolist()


def test_a_round_that_stopped_says_so(out):
    assert "This round stopped" in (out / "round-2.html").read_text(encoding="utf-8")
    assert "without mining" in (out / "round-0.html").read_text(encoding="utf-8")
    assert "stopped" not in (out / "round-1.html").read_text(encoding="utf-8")


def test_the_same_input_gives_the_same_bytes_and_nothing_of_this_machine(reported, out, tmp_path):
    before = {file.relative_to(out): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    metrics = make_report(REPORTED, home=reported, fonts=tmp_path / "none", out=tmp_path / "again", data=DATA)
    again = {f.relative_to(tmp_path / "again"): f.read_bytes() for f in (tmp_path / "again").rglob("*") if f.is_file()}
    assert before == again
    assert not any(str(reported).encode() in content for content in before.values())
    assert not list(reported.glob(".*"))
    assert (metrics["pages"], metrics["units"]) == (23 + 21, 4 + 6 + 8 + 3)


def test_labels_are_escaped_everywhere(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.toyrounds.STYLES", [EVIL, EVIL, EVIL])
    params = toy_params(words={**toy_params().words.model_dump(), "scripts": ["Latn", "Cyrl"]})
    home = make_mined_home(tmp_path, params=params, labels=sorted(["Latn", EVIL, "Zxxx"]))
    for page in write_report(params, home).glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert Page(text).tags.count("script") == 1
        assert len(text) < 60_000
        assert "alert(" not in re.sub(r"&lt;script&gt;alert\(&#34;", "", text).replace("alert(\\u0022", "")


def test_a_problem_of_other_names_without_nuisance_and_rounds(tmp_path):
    changes = {"problem": "faces", "rounds": {}}
    changes["problems"] = {"faces": {"target": "pose", "nuisances": [], "group": "person"}}
    params = toy_params(**changes)
    home = make_mined_home(tmp_path, params=params, labels=["left", "right", "up"])
    out = write_report(params, home)
    index = (out / "index.html").read_text(encoding="utf-8")
    assert "Pose identification" in index
    assert "There is no mining round" in index
    assert len(list(out.glob("*.html"))) == 20 + 4 + 6 + 8 + 3


def test_a_nuisance_that_no_crop_has_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.toyhome.STYLES", [None, None, None])
    params = toy_params()
    out = write_results(params, make_mined_home(tmp_path, params=params))
    assert "These crops have no font style label" in (out / "accuracy.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "missing",
    [
        "chosen.json",
        "metrics/evaluate.json",
        "metrics/groups.json",
        "metrics/real.json",
        "plots/reliability.csv",
        "predictions.parquet",
    ],
)
def test_what_is_missing_is_one_line_and_nothing_is_written(copy, missing):
    (copy / missing).unlink()
    with pytest.raises(UserError, match="evaluate"):
        write_report(REPORTED, copy)
    assert not (copy / "report").exists()


def test_a_report_without_a_probe_says_what_to_run(copy):
    (copy / "metrics" / "probe.json").unlink()
    with pytest.raises(UserError, match="unfont probe"):
        write_report(REPORTED, copy)


def test_a_model_that_changed_since_its_evaluation_is_refused(copy):
    chosen = read_json(copy / "chosen.json")
    other = copy / "rounds" / "0" / "model.safetensors"
    (copy / chosen["path"] / "model.safetensors").write_bytes(other.read_bytes())
    with pytest.raises(UserError, match="not the one that was evaluated"):
        write_report(REPORTED, copy)


def test_scripts_that_are_not_learned_have_figures_of_their_own(copy):
    """Crops of Cyrl become those of an unlearned script."""
    predictions = pd.read_parquet(copy / "predictions.parquet").astype({"true": str})
    unlearned = predictions.assign(true=predictions["true"].replace("Cyrl", "Zzzz"))
    unlearned.to_parquet(copy / "predictions.parquet")
    metrics = read_json(copy / "metrics/evaluate.json")
    chosen = metrics["chosen"]["name"]
    metrics["models"][chosen]["test_unseen"]["light"] |= {"unlearned_caught": 0.3125, "unlearned_sure": 0.0625}
    write_json(copy / "metrics/evaluate.json", metrics)
    write_json(copy / "metrics/real.json", {"n": 0, "models": {}, "chosen": None, "rejected": {}})
    out = write_results(REPORTED, copy)
    page = (out / "index.html").read_text()
    assert "No real pictures were measured" in page
    assert "31.2%" in page and "unlearned scripts surely called one" in page and "signs alone" not in page.lower()
    tested = (unlearned["model"] == chosen) & (unlearned["split"] == "test_unseen") & (unlearned["severity"] == "light")
    n = unlearned[tested]["true"].value_counts()
    groups = read_json(out / "accuracy.json")["by"]
    assert {one["value"]: one["n"] for one in groups["script"]} == n.to_dict()
    assert sum(one["n"] for one in groups["font style"]) == n["Latn"]
