"""What a training says of its rate and of the time that it still takes."""

import time

from tasks.train.pace import Pace


def test_rate_and_time_left(monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    said: list[str] = []
    pace = Pace(said.append, done=1000, total=5000)
    now = 105.0
    pace.step(500)
    assert said == []
    now = 120.0
    pace.step(1500)
    assert said == ["3,000 of 5,000 crops; 100 crops/s, 20 s left"]


def test_more_crops_than_expected_leave_nothing(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    pace = Pace(print, done=0, total=1000)
    monkeypatch.setattr(time, "monotonic", lambda: 110.0)
    pace.step(1008)
    assert str(pace) == "101 crops/s, 0 s left"
