"""Figures and labels as pages show them."""

from tasks.pages.environment import percent, points
from unfont.text import clip


def test_a_share_reads_whole_only_where_it_is():
    assert [percent(share) for share in (None, 0.0, 0.0001, 0.931, 0.9999, 1.0)] == [
        "–", "0.0%", "<0.1%", "93.1%", ">99.9%", "100.0%",
    ]  # fmt: skip


def test_a_change_has_its_sign():
    assert [points(change) for change in (None, 0.012, -0.012, 0.0, -0.0001)] == ["–", "+1.2", "−1.2", "0.0", "0.0"]


def test_a_label_of_any_length_fits():
    assert clip("x" * 10_000) == "x" * 59 + "…"
