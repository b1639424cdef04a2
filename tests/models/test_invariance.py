import pytest
import torch
from torch.nn import functional

from models.invariance import MODES, UNKNOWN, Batch, Conditional, Erm, reverse_gradient
from models.network import ScriptNet
from models.settings import InvarianceSettings, LossSettings, NetworkSettings, TrainSettings

NETWORK = NetworkSettings(channels=[4, 8], halvings=3, embedding=8, dropout=0.0)
LOSS = LossSettings(name="focal", gamma=1.0, alpha=None, smoothing=0.0, prior_bias=False, hardest=1.0)
TRAIN = TrainSettings(epochs=1, batch=8, rate=0.01, weight_decay=0.01, warmup=0.1, balanced=False)


def make(mode: str, *, strength: float = 1.0, nuisances: dict[str, int] | None = None, steps: int = 20):
    torch.manual_seed(0)
    network = ScriptNet(NETWORK, labels=3, height=16, width=32)
    invariance = InvarianceSettings(modes=["erm"], epochs=1, rate=0.01, strength=strength, head_rate=1.0)
    nuisances = {"style": 2} if nuisances is None else nuisances
    return MODES[mode](network, nuisances, loss=LOSS, train=TRAIN, invariance=invariance, steps=steps)


def batch(known: bool = True) -> Batch:
    """Label: which third is dark; nuisance: how dark."""
    generator = torch.Generator().manual_seed(2)
    images = torch.rand(24, 1, 16, 32, generator=generator) * 0.2 + 0.8
    targets, style = torch.arange(24) % 3, torch.arange(24) // 3 % 2
    for row in range(24):
        third = 10 * int(targets[row])
        images[row, :, :, third : third + 10] *= 0.2 + 0.4 * int(style[row])
    nuisances = {"style": style if known else torch.full((24,), UNKNOWN)}
    return Batch(images=images, targets=targets, nuisances=nuisances)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_learns_the_target_and_its_head_the_nuisance(mode: str):
    trained = make(mode, strength=0.1, steps=60)
    first = trained.update(batch()).figures
    for _ in range(59):
        last = trained.update(batch()).figures
    assert set(first) == {"loss", "accuracy", "rate", "style_loss", "style_accuracy"}
    assert last["loss"] < 0.5 * first["loss"]
    assert last["style_loss"] < first["style_loss"]
    assert trained.step == 60


def test_a_step_says_how_likely_it_took_each_true_target_to_be():
    trained = make("erm", nuisances={})
    with torch.no_grad():
        trained.network.train()
        chances = trained.network(batch().images).softmax(1)
    met = trained.update(batch()).p_true
    wanted = [chances[row, target].item() for row, target in enumerate(batch().targets)]
    assert met.tolist() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_rows_without_a_nuisance_label_teach_the_target_alone(mode: str):
    trained = make(mode)
    heads = [p.clone() for p in trained.heads.parameters()]
    figures = trained.update(batch(known=False)).figures
    assert set(figures) == {"loss", "accuracy", "rate"}
    assert all(torch.equal(was, now) for was, now in zip(heads, trained.heads.parameters(), strict=True))


def test_erm_heads_watch_and_do_not_teach():
    watched, alone = make("erm"), make("erm", nuisances={})
    for _ in range(3):
        watched.update(batch())
        alone.update(batch())
    pairs = zip(watched.network.parameters(), alone.network.parameters(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def head_loss(mode: Conditional | Erm, features: torch.Tensor, given: Batch) -> torch.Tensor:
    guess = mode.heads["style"](mode.nuisance_input(features, given.targets))
    return functional.cross_entropy(guess, given.nuisances["style"])


def test_conditional_turns_the_trunks_gradient_and_leaves_the_heads():
    mode, given = make("conditional", strength=0.5, steps=10), batch()
    mode.step = 10  # λ is at its largest
    features = mode.network.embed(given.images).detach().requires_grad_()
    head_loss(mode, features, given).backward()
    turned, heads = features.grad.clone(), [p.grad.clone() for p in mode.heads.parameters()]

    plain = features.detach().clone().requires_grad_()
    one_hot = functional.one_hot(given.targets, 3).float()
    mode.heads.zero_grad()
    normal = functional.layer_norm(plain, (8,))
    guess = mode.heads["style"](torch.cat([normal, one_hot], 1))
    functional.cross_entropy(guess, given.nuisances["style"]).backward()
    assert torch.allclose(turned, -0.5 * plain.grad, rtol=1e-3, atol=1e-9)
    assert all(torch.equal(was, p.grad) for was, p in zip(heads, mode.heads.parameters(), strict=True))


def test_conditional_starts_without_any_reversal():
    mode, given = make("conditional", strength=5.0), batch()
    features = mode.network.embed(given.images).detach().requires_grad_()
    head_loss(mode, features, given).backward()
    assert features.grad.abs().max() == 0


@pytest.mark.parametrize("mode", MODES)
def test_smaller_features_do_not_fool_the_head(mode: str):
    made, given = make(mode), batch()
    features = torch.rand(24, 8)
    whole, shrunk = head_loss(made, features, given), head_loss(made, features * 0.05, given)
    assert shrunk.item() == pytest.approx(whole.item(), rel=0.05)


def test_reversal_is_the_identity_forwards():
    values = torch.rand(3, requires_grad=True)
    out = reverse_gradient(values, 2.0)
    out.sum().backward()
    assert torch.equal(out, values)
    assert values.grad.tolist() == [-2.0] * 3


def test_the_heads_rate_is_relative_to_the_trunks():
    mode = make("erm")
    object.__setattr__(mode.invariance, "head_rate", 3.0)
    slow = Erm(mode.network, {"style": 2}, loss=LOSS, train=TRAIN, invariance=mode.invariance, steps=20)
    figures = slow.update(batch()).figures
    assert [group["lr"] for group in slow.optimizer.param_groups] == pytest.approx(
        [figures["rate"], figures["rate"], 3 * figures["rate"]]
    )
