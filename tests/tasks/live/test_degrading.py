import pytest
import torch

from models.settings import DegradeSettings
from tasks.live.degrading import degraded, is_clean
from tasks.live.view import NONE, strongest

WORD = torch.ones(1, 1, 32, 128)
WORD[..., 8:24, 20:100:6] = 0.1
WORD[..., 8:24, 21:100:6] = 0.1


def settings(**strengths):
    return DegradeSettings(**NONE | strengths)


def test_without_strengths_nothing_changes():
    assert is_clean(settings())
    assert degraded(WORD, settings(), seed=0) is WORD


@pytest.mark.parametrize("name", DegradeSettings.model_fields)
def test_every_slider_acts_on_the_picture_alone_and_the_same_each_time(name):
    wanted = settings(**{name: strongest(name) * 0.6})
    found = degraded(WORD, wanted, seed=0)
    assert not is_clean(wanted) and not torch.equal(found, WORD)
    assert torch.equal(found, degraded(WORD, wanted, seed=0))
    assert found.shape == WORD.shape and found.min() >= 0 and found.max() <= 1


def test_a_slider_acts_as_strongly_as_it_says():
    for name in ("noise", "blur", "rotation", "contrast"):
        weak, strong = (
            (degraded(WORD, settings(**{name: share * strongest(name)}), seed=0) - WORD).abs().mean()
            for share in (0.1, 0.5)
        )
        assert strong > weak > 0, name


def test_other_random_numbers_give_another_picture():
    noise = settings(noise=0.3)
    assert not torch.equal(degraded(WORD, noise, seed=0), degraded(WORD, noise, seed=1))
