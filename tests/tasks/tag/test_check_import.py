import io

import numpy as np
import pytest
from PIL import Image

from tasks.common.params import ProblemSettings, read_params
from tasks.images.given_pictures import Picture
from tasks.images.import_images import write_pictures
from tasks.images.picture_table import picture_schema
from tasks.tag.check_import import check_import
from tests.conftest import ROOT
from unfont.errors import UserError

OWN = ProblemSettings(target="script", nuisances=["font_style"], group="design", source="own")
PARAMS = read_params(ROOT / "params.yaml")


def picture(number: int, script: str | None = None, reason: str | None = None, name: str | None = None) -> Picture:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 256, (12, 30)).astype(np.uint8)).save(file, "PNG")
    labels = {"script": script or ("Latn", "Cyrl")[number % 2]}
    data = None if reason else file.getvalue()
    return Picture(name=name or f"{number}.png", data=data, labels=labels, reason=reason)


def checked(folder, pictures, source="own", hints=None):
    problem = OWN.model_copy(update={"source": source})
    write_pictures(folder / "pictures", iter(pictures), picture_schema(problem))
    settings = {"crops": PARAMS.crops, "tag": PARAMS.tag, "known": ["Cyrl", "Deva", "Latn", "Zxxx"]}
    return check_import(folder / "pictures", where="mine", problem=problem, hints=hints or {}, **settings)


def test_good_pictures_pass(tmp_path):
    assert checked(tmp_path, map(picture, range(20))) == []
    assert PARAMS.tag.rejected == 0.05


@pytest.mark.parametrize("bad", [1, 2])
def test_the_limit_is_that_of_tag(tmp_path, bad):
    pictures = [picture(n) for n in range(20 - bad)] + [picture(90 + n, reason="is odd") for n in range(bad)]
    if bad == 1:  # of 20: just the limit
        assert checked(tmp_path, pictures) == []
        return
    said = (
        r"2 of 20 pictures cannot be used, most often: is odd, such as 90.png \(mine\): fix this way, or raise tag.rej"
    )
    with pytest.raises(UserError, match=said):
        checked(tmp_path, pictures, hints={"is odd": "fix this way"})


def test_damaged_files_count_too(tmp_path):
    damaged = [Picture(name="x.png", data=b"GIF89a", labels={"script": "Latn"})]
    with pytest.raises(UserError, match=r"this is a GIF: save it as PNG, such as x\.png"):
        checked(tmp_path, [*map(picture, range(10)), *damaged])


def test_the_same_pixels_in_two_files_count_too(tmp_path):
    again = [picture(n, name=f"again{n}.png") for n in range(5)]
    with pytest.raises(UserError, match=r"5 of 15 pictures.*the same pixels.*keep one of each"):
        checked(tmp_path, [*map(picture, range(10)), *again])


def test_names_that_are_no_codes_are_told(tmp_path):
    pictures = [*map(picture, range(10)), *(picture(20 + n, "Hindi") for n in range(5))]
    notes = checked(tmp_path, pictures)
    assert len(notes) == 1 and "Hindi;" in notes[0] and "--labels Hindi=Deva" in notes[0]


def test_beside_rendered_crops_only_their_scripts_pass(tmp_path):
    pictures = [*map(picture, range(10)), *(picture(20 + n, "Hindi") for n in range(5))]
    with pytest.raises(
        UserError, match=r"5 of 15.*its script is not in the problem.*Cyrl, Deva.*--labels Hindi=Deva, or"
    ):
        checked(tmp_path, pictures, source="both")


def test_one_target_alone_is_refused_where_nothing_is_rendered(tmp_path):
    pictures = [picture(n, "Latn") for n in range(5)]
    with pytest.raises(UserError, match="every picture has the script 'Latn'"):
        checked(tmp_path / "own", pictures)
    assert checked(tmp_path / "both", pictures, source="both") == []
