"""The benchmark keeps what the aims ask for, and leaves what another benchmark wrote."""

import json

from benchmarks import ablation

NUMBERS = {
    "variants": [{"name": "base", "seconds": 4.0}, {"name": "no-dense", "seconds": 2.0}],
    "seeds": 3,
    "rotations": 5,
    "claims": [{"variant": "base", "claim": "perfect", "verdict": "holds", "parts": []}],
    "cures": {"gain_points": 8.5, "chosen": "pairs", "over": "four-class", "rows": []},
}


def test_the_result_has_the_aims_keys():
    found = ablation.result_of(NUMBERS, 90.0)
    assert (found["variants"], found["seeds"], found["minutes"]) == (2, 3, 1.5)
    assert found["training_minutes"] == 1.5  # 6 s, in five rotations with three seeds
    assert ablation.result_of(NUMBERS, None)["minutes"] is None
    assert found["faces"]["gain_points"] == 8.5
    assert found["verdicts"] == {"base: perfect": "holds"}


def test_the_other_part_of_the_file_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(ablation, "RESULT", tmp_path / "ablation.json")
    ablation.RESULT.write_text(json.dumps({"influence": {"kendall_tau": 0.9}, "minutes": 1}))
    ablation.merge_result({"minutes": 2})
    kept = json.loads(ablation.RESULT.read_text())
    assert (kept["influence"], kept["minutes"]) == ({"kendall_tau": 0.9}, 2)
