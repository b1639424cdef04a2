"""Units stand below the unit of base that they are matched with."""

from typing import Any

from tasks.ablation.page import side_by_side


def unit(number: int, base: int | None) -> dict[str, Any]:
    return {"unit": number, "base": base, "r": None if base is None else 0.5, "image": "data:,", "width": 5}


def test_a_column_is_a_unit_of_base_and_what_has_no_match_follows():
    base = {"backbone.conv1": [unit(0, 0), unit(1, 1), unit(2, 2)], "target_head": [unit(0, 0)]}
    other = {
        "backbone.conv1": [unit(0, 2), unit(1, None), unit(2, 0)],
        "embedding.dense9": [unit(0, None)],
        "target_head": [unit(0, 0)],
    }
    layers = side_by_side({"base": base, "other": other})
    assert [layer["name"] for layer in layers] == ["backbone.conv1", "embedding.dense9", "target_head"]
    rows = dict(layers[0]["rows"])
    assert [one and one["unit"] for one in rows["base"]] == [0, 1, 2]
    assert [one and one["unit"] for one in rows["other"]] == [2, None, 0, 1]
    assert [variant for variant, _ in layers[1]["rows"]] == ["other"]
