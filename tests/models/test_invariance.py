import math
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.invariance import HEAVIEST, MODES, Erm, balancing_weights, modes_of, reverse_gradient
from models.settings import MODE_NAMES, parts_of
from models.training import UNKNOWN, Batch, Mode, ModeInput, Training, normalised
from tests.models.toymodes import COUNTS, batch, make, readable

SUMS = ["conditional+pairs", "reversal+coral", "reversal+conditional", "ascent+pairs+coral", "conditional+erasure"]
EVERY = [*MODES, *SUMS]
ALIGNING = ["pairs", "coral"]
TEACHING = [mode for mode in EVERY if not {"erasure", "bottleneck"} & set(parts_of(mode))]  # by a loss
PUSHING = ["reversal", "conditional", "ascent"]
METRICS = {"loss", "accuracy", "learning_rate"}


def weights_of(training: Training) -> list[Tensor]:
    return [weight.detach().clone() for weight in training.network.parameters()]


def same(one: list[Tensor], two: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def heads_of(training: Training) -> list[Tensor]:
    return [weight.detach().clone() for weight in training.heads.parameters()]


def after(mode: str, steps: int = 3, *, known: bool = True, **settings) -> list[Tensor]:
    training = make(mode, **settings)
    for step in range(steps):
        training.update(batch(step, known=known))
    return weights_of(training)


def seen(given: Batch, features: Tensor, strength: float = 1.0) -> ModeInput:
    return ModeInput(features=normalised(features), batch=given, strength=strength)


def test_settings_and_modes_have_the_same_names():
    assert tuple(MODES) == MODE_NAMES
    assert all(MODES[name].name == name for name in MODE_NAMES)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hope", "erm, reversal"),
        ("", "no mode ''"),
        ("pairs+", "no mode ''"),
        ("pairs+pairs", "twice"),
        ("erm+pairs", "alone"),
    ],
)
def test_a_wrong_name_says_what_is_wrong(name: str, said: str):
    with pytest.raises(ValueError, match=said):
        modes_of(name)


def test_a_sum_is_its_parts_and_has_heads_that_watch_where_no_part_has_any():
    assert [mode.name for mode in modes_of("conditional+pairs")] == ["conditional", "pairs"]
    assert [mode.name for mode in modes_of("pairs+coral")] == ["erm", "pairs", "coral"]


@pytest.mark.parametrize("mode", EVERY)
def test_every_mode_learns_the_target_and_says_what_it_does(mode: str):
    training = make(mode, strength=0.1, steps=40)
    metrics = [training.update(batch(step)).metrics for step in range(40)]
    parts = parts_of(mode)
    wanted = METRICS | {"style_loss", "style_accuracy"} | {f"{part}_loss" for part in parts if part in ALIGNING}
    wanted |= {"strength"} if set(parts) & set(PUSHING) else set()
    wanted |= {"conditional_style_loss", "conditional_style_accuracy"} if mode == "reversal+conditional" else set()
    assert all(set(each) == wanted for each in metrics)
    assert metrics[-1]["loss"] < 0.5 * metrics[0]["loss"]
    assert training.step == 40


@pytest.mark.parametrize("mode", EVERY)
def test_rows_without_a_nuisance_label_teach_the_target_alone(mode: str):
    training = make(mode)
    heads = heads_of(training)
    metrics = training.update(batch(known=False)).metrics
    assert set(metrics) <= METRICS | {"strength", "pairs_loss"}
    assert same(heads, heads_of(training))


@pytest.mark.parametrize("mode", TEACHING)
def test_rows_without_a_label_leave_the_others_loss_alone(mode: str):
    training, given = make(mode), batch()
    features = torch.rand(24, 16, generator=torch.Generator().manual_seed(1))
    partly = given.nuisances["style"].clone()
    partly[16:] = UNKNOWN
    alone = torch.where(torch.arange(24) < 16, given.pairs, UNKNOWN)
    masked = replace(given, nuisances={"style": partly}, pairs=alone)
    cut = replace(given, targets=given.targets[:16], nuisances={"style": partly[:16]}, pairs=given.pairs[:16])
    for part in training.modes:
        wanted = part(seen(cut, features[:16])).loss.item()
        assert part(seen(masked, features)).loss.item() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("mode", TEACHING)
def test_smaller_features_do_not_fool_it(mode: str):
    features = torch.rand(24, 16, generator=torch.Generator().manual_seed(1))
    for part in make(mode).modes:
        whole, shrunk = part(seen(batch(), features)), part(seen(batch(), features * 0.05))
        assert shrunk.loss.item() == pytest.approx(whole.loss.item(), rel=0.1)


def test_erm_heads_watch_and_do_not_teach():
    assert same(after("erm"), after("erm", counts={}))
    assert same(after("erm"), after("erm", known=False))


@pytest.mark.parametrize("mode", [*PUSHING, *ALIGNING, "conditional+pairs"])
def test_without_strength_the_backbone_is_erms_to_the_bit(mode: str):
    nothing = {"strength": 0.0, "pair_weight": 0.0, "coral_weight": 0.0}
    assert same(after(mode, head_steps=3, **nothing), after("erm"))
    assert not same(after(mode), after("erm"))


@pytest.mark.parametrize("mode", PUSHING)
def test_the_heads_descend_at_full_strength_whatever_the_strength(mode: str):
    training = make(mode, steps=40)
    for group in training.optimizer.param_groups[:2]:
        group["relative"] = 0.0  # a backbone that stands still: what its head learns is the head's own doing
    losses = [training.update(batch()).metrics["style_loss"] for _ in range(40)]
    assert losses[-1] < 0.7 * losses[0]


def gradients(mode: Mode, given: Batch, strength: float) -> tuple[Tensor, list[Tensor | None]]:
    """Of `mode`'s loss by the normalised features and by its heads' weights."""
    features = normalised(torch.rand(24, 16, generator=torch.Generator().manual_seed(1))).requires_grad_()
    mode.zero_grad()
    mode(ModeInput(features=features, batch=given, strength=strength)).loss.backward()
    return features.grad, [weight.grad for weight in mode.parameters()]


def plain(head: nn.Module, given: Batch, extra: Tensor | None = None, highest: float = math.inf) -> tuple[Tensor, list]:
    """The same of the head's plain cross-entropy."""
    features = normalised(torch.rand(24, 16, generator=torch.Generator().manual_seed(1))).requires_grad_()
    head.zero_grad()
    inputs = features if extra is None else torch.cat([features, extra], 1)
    losses = functional.cross_entropy(head(inputs), given.nuisances["style"], reduction="none")
    losses.clamp(max=highest).mean().backward()
    return features.grad, [weight.grad for weight in head.parameters()]


@pytest.mark.parametrize("name", ["reversal", "conditional"])
def test_the_backbones_gradient_is_turned_and_the_heads_is_not(name: str):
    (mode,), given = make(name).modes, batch()
    turned, own = gradients(mode, given, 0.5)
    wanted, heads = plain(mode.heads[0], given, functional.one_hot(given.targets, 3) if name == "conditional" else None)
    assert torch.allclose(turned, -0.5 * wanted, rtol=1e-3, atol=1e-9)
    assert all(torch.allclose(one, two, rtol=1e-3, atol=1e-7) for one, two in zip(own, heads, strict=True))


def test_ascent_goes_through_frozen_heads_up_to_the_loss_of_a_uniform_prediction():
    (mode,), given = make("ascent").modes, batch()
    with torch.no_grad():
        mode.heads[0][2].weight.mul_(8)  # some rows beyond the bound, some below
    ascended, own = gradients(mode, given, 0.5)
    wanted, _ = plain(mode.heads[0], given, highest=math.log(2))
    assert torch.allclose(ascended, -0.5 * wanted, rtol=1e-3, atol=1e-9)
    assert (wanted == 0).all(1).any() and not (wanted == 0).all()
    mode.zero_grad()
    _, own = gradients(mode, given, 0.5)
    assert own == [None] * len(own)


def test_ascents_heads_step_before_the_backbone():
    training = make("ascent")
    heads = heads_of(training)
    training.step = 10  # λ is near its largest
    training.update(batch())
    assert not same(heads, heads_of(training))


@pytest.mark.parametrize(
    ("mode", "steps", "taken"), [("erm", 4, 4), ("reversal", 3, 3), ("conditional", 1, 1), ("ascent", 2, 2)]
)
def test_heads_take_as_many_steps_as_set_for_each_of_the_backbone(mode: str, steps: int, taken: int):
    training = make(mode, head_steps=steps)
    training.update(batch())
    states = training.optimizer.state
    assert {int(states[weight]["step"]) for weight in training.heads.parameters()} == {taken}
    assert {int(states[weight]["step"]) for weight in training.network.parameters()} == {1}


def test_strength_follows_the_step():
    training = make("reversal", strength=0.4, steps=10)
    found = [training.update(batch()).metrics["strength"] for _ in range(10)]
    assert found == pytest.approx([0.4 * (2 / (1 + math.exp(-step)) - 1) for step in range(10)])


def test_the_labels_within_a_target_weigh_alike():
    counts = torch.tensor([[30, 60, 0], [8, 0, 0], [1, 999, 0], [0, 0, 0]])
    weights = balancing_weights(counts)
    assert weights[0].tolist() == pytest.approx([1.5, 0.75, HEAVIEST])
    assert (weights[0, :2] * counts[0, :2]).tolist() == pytest.approx([45, 45])
    assert weights[1, 0] == 1  # one label: its mean weight
    assert weights[2].tolist() == pytest.approx([HEAVIEST, 1000 / 2 / 999, HEAVIEST])


def test_conditionals_loss_is_weighted_by_the_training_sets_counts():
    given = batch()
    counts = {"style": torch.tensor([[10, 30], [8, 8], [5, 0]])}
    (mode,) = make("conditional", counts=counts).modes
    features = normalised(torch.rand(24, 16, generator=torch.Generator().manual_seed(1)))
    inputs = torch.cat([features, functional.one_hot(given.targets, 3)], 1)
    losses = functional.cross_entropy(mode.heads[0](inputs), given.nuisances["style"], reduction="none")
    weights = balancing_weights(counts["style"])
    wanted = [loss * weights[y, n] for loss, y, n in zip(losses, given.targets, given.nuisances["style"], strict=True)]
    found = mode(ModeInput(features=features, batch=given, strength=0.3)).loss
    assert found.item() == pytest.approx(sum(wanted).item() / 24, rel=1e-5)


def test_several_nuisances_have_a_head_each():
    counts = {**COUNTS, "colour": torch.full((3, 4), 4)}
    given = batch()
    colours = torch.arange(24) % 4
    colours[::2] = UNKNOWN
    both = replace(given, nuisances={**given.nuisances, "colour": colours})
    for mode in EVERY:
        metrics = make(mode, counts=counts).update(both).metrics
        assert {"style_loss", "style_accuracy", "colour_loss", "colour_accuracy"} <= set(metrics)


@cache
def left_readable(mode: str) -> float:
    """What a fresh probe reads of the nuisance, the mean of two trainings."""
    found = []
    for seed in (0, 1):
        training = make(mode, seed=seed, steps=80, learning_rate=0.002, head_learning_rate=10.0, head_steps=5)
        for step in range(80):
            metrics = training.update(batch(step)).metrics
        assert metrics["accuracy"] > 0.8
        found.append(readable(training.network))
    return sum(found) / 2


@pytest.mark.parametrize("mode", [*PUSHING, *ALIGNING, "erasure", "conditional+pairs", "reversal+coral"])
def test_a_fresh_probe_reads_less_of_the_nuisance_than_after_plain_training(mode: str):
    assert left_readable(mode) < left_readable("erm") - 0.15


def test_reversal_is_the_identity_forwards():
    values = torch.rand(3, requires_grad=True)
    out = reverse_gradient(values, 2.0)
    out.sum().backward()
    assert torch.equal(out, values)
    assert values.grad.tolist() == [-2.0] * 3


def test_a_bottleneck_trains_as_erm_does():
    assert same(after("bottleneck"), after("erm"))


def test_plain_training_needs_no_mode():
    assert same(after("erm", counts={}), after("erm"))
    assert [type(mode) for mode in make("erm").modes] == [Erm]
