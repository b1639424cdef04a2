from models.explain.maximise.ascent_settings import PAPER, alone, in_steps, random_settings


def test_a_shorter_run_takes_longer_steps():
    short = in_steps(PAPER["norm"], 125)
    assert (short.steps, short.rate, short.progress) == (125, 400.0, 8.0)
    assert short.norm_percent == PAPER["norm"].norm_percent


def test_alone_means_alone_at_five_strengths():
    sheets = alone(PAPER["norm"])
    assert sheets["none"][0].regularisers == frozenset()
    assert {name: len(sheet) for name, sheet in sheets.items()} == {
        "none": 1, "decay": 5, "blur": 5, "norm": 5, "contribution": 5, "jitter": 5,
    }  # fmt: skip
    assert all(one.regularisers == {name} for name, sheet in sheets.items() if name != "none" for one in sheet)


def test_random_settings_follow_from_the_seed_and_use_every_regulariser():
    sampled = random_settings(50, seed=1)
    assert sampled == random_settings(60, seed=1)[:50]
    assert sampled != random_settings(50, seed=2)
    assert frozenset().union(*(one.regularisers for one in sampled)) == {
        "decay",
        "blur",
        "norm",
        "contribution",
        "jitter",
    }
