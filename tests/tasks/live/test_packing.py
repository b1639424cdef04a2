import numpy as np
import pytest

from tasks.live.packing import pack, unpack


def test_what_is_packed_is_unpacked():
    arrays = {
        "a": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "none": np.zeros((0, 4), np.uint8),
        "ü": np.ones((1, 2, 3), np.uint8),
    }
    header, found = unpack(pack({"kind": "look", "label": "日本"}, arrays))
    assert header == {"kind": "look", "label": "日本"}
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in arrays.items()
    }


def test_what_json_lacks_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        pack({"p": float("nan")}, {})
