"""The benchmark of the live page on few frames, against a real server of a toy model."""

import psutil
import pytest

from apps.live.server import make_app
from benchmarks import live
from tasks.live.engine import Engine
from tests.apps.live.conftest import served
from tests.toyhome import make_toy_project, toy_params

PARAMS = toy_params()


@pytest.fixture
def home(here):
    make_toy_project(here, params=PARAMS)
    return PARAMS.home


def test_every_value_is_measured_through_a_real_client(home, monkeypatch):
    monkeypatch.setattr(live, "SHORT", 24)
    engine = Engine({"round-0": home / "rounds/0"}, params=PARAMS)
    with served(make_app(engine, threads=1)) as address:
        found = live.measure(address, psutil.Process(), home / "rounds/0", layer="backbone.1", frames=80)
    assert found["ratio"] == pytest.approx(found["frames_per_s"] / found["network_per_s"], abs=0.01)
    assert found["processor_ratio"] == pytest.approx(found["network_processor_ms"] / found["processor_ms"], rel=0.1)
    assert len(found["viewers"]["frames_per_s"]) == live.VIEWERS
    assert found["viewers"]["total"] == pytest.approx(sum(found["viewers"]["frames_per_s"]), abs=0.3)
    assert found["latency_p95_ms"] > 0 < found["frames_per_s_deconv"] and min(found["mib_by_quarter"]) > 20


def test_the_frames_are_different_words_of_one_size():
    scenes = live.scenes_of()
    assert len(set(scenes)) == len(scenes) == live.SCENES
    assert {len(scene) for scene in scenes} == {live.SIZE[0] * live.SIZE[1]}
