import numpy as np
import pytest
from PIL import Image

from tasks.common.files import read_json
from tasks.crop_table.shards import read_images
from tasks.live.network import LiveNetwork
from tasks.live.report_units import UnitReport
from tests.tasks.live.conftest import PARAMS
from unfont.errors import UserError

LAYER = "backbone.1"


@pytest.fixture
def report(reported_project, monkeypatch):
    monkeypatch.chdir(reported_project)
    found = UnitReport.of_project(PARAMS)
    assert found is not None
    return found


@pytest.fixture
def chosen(report):
    return LiveNetwork.of_folder(
        report.params.home / read_json(report.params.home / "chosen.json")["path"], name="chosen", temperature=1.0
    )


def test_the_strongest_crops_are_those_with_the_highest_activation(report, chosen):
    look = report.unit(chosen, LAYER, 0)
    images, rows = read_images(report.params.home / "table", ["train", "validation"])
    found = [float(chosen.run(chosen.images(image[None]), 0, [LAYER]).maps[LAYER][0].max()) for image in images]
    order = np.argsort(found)[::-1][:3]
    assert [strength for _, strength in look.numbers["crops"]] == pytest.approx(np.array(found)[order], abs=1e-3)
    assert np.array_equal(look.arrays["crops"], images[order])
    assert [label for label, _ in look.numbers["crops"]] == rows["script"].iloc[order].tolist()
    assert look.arrays["deconvnets"].shape == look.arrays["crops"].shape


def test_the_optimised_images_are_cut_out_of_their_sheet(report, chosen):
    page = read_json(report.folder / "layer-1-backbone.1.json")
    unit = next(one for one in page["all"] if one["pictures"])
    look = report.unit(chosen, LAYER, unit["unit"])
    settings = [setting for setting, _ in look.numbers["optimised"]]
    assert sorted(settings) == sorted(name for name, run in unit["optimised"].items() if not run["silent"])
    with Image.open(report.folder / unit["pictures"]["file"]) as sheet:
        left, top = unit["pictures"]["places"][f"{settings[0]}/best"]
        height, width = unit["pictures"]["size"]
        wanted = np.asarray(sheet.convert("L").crop((left, top, left + width, top + height)))
    assert np.array_equal(look.arrays[f"optimised/{settings[0]}"], wanted)


def test_of_another_model_and_of_units_that_are_not_there_it_says_nothing(report, chosen):
    other = LiveNetwork.of_folder(report.params.home / "rounds/0", name="round-0", temperature=1.0)
    for live, layer, unit, said in (
        (other, LAYER, 0, "another model"),
        (chosen, LAYER, 99, "no unit 99"),
        (chosen, "x", 0, "no unit"),
    ):
        with pytest.raises(UserError, match=said):
            report.unit(live, layer, unit)


def test_a_project_without_a_report_has_none(report, here):
    assert UnitReport.of_project(PARAMS) is None
