import numpy as np
import pytest
import torch
from torch import nn

from models.explain.hooks import layers_of
from models.network import CropNet, Pool, add_bottleneck, folded
from models.settings import NetworkSettings

SETTINGS = NetworkSettings(channels=[8, 16, 16, 24], downsampling=3, embedding=12, dropout=0.1)


def network(channels: int = 1, *, erases: bool = False) -> CropNet:
    torch.manual_seed(0)
    net = CropNet(SETTINGS, labels=5, height=16, width=48, channels=channels, erases=erases).eval()
    if net.eraser is not None:  # as training leaves it
        net.eraser.weight.sub_(torch.full((12, 12), 1 / 12))
        net.eraser.bias.uniform_(-1, 1)
    return net


def test_shapes_of_logits_and_embedding():
    images = torch.rand(3, 1, 16, 48)
    assert network()(images).shape == (3, 5)
    assert network().embed(images).shape == (3, 12)


def test_a_network_of_three_channels_has_maps_of_the_same_sizes():
    grey, coloured = network().backbone(torch.rand(2, 1, 16, 48)), network(3).backbone(torch.rand(2, 3, 16, 48))
    assert grey.shape == coloured.shape
    assert network(3)(torch.rand(2, 3, 16, 48)).shape == (2, 5)
    with pytest.raises(ValueError, match=r"\[batch, 3, 16, 48\]"):
        network(3)(torch.rand(2, 1, 16, 48))


def test_brightness_and_inversion_do_not_matter_in_colour_either():
    word = torch.ones(1, 3, 16, 48)
    word[:, :, 4:12, 8:20] = torch.tensor([0.8, 0.1, 0.1]).view(1, 3, 1, 1)
    standard = network(3).standardise
    pale, plain = standard(0.2 + 0.6 * word), standard(word)
    assert torch.allclose(pale / pale.std(), plain / plain.std(), atol=1e-3)
    assert torch.allclose(standard(1 - word), standard(word), atol=1e-5)
    ink, ground = standard(word)[0, :, 5, 10], standard(word)[0, :, 0, 0]
    assert ink.mean() > ground.mean()  # light ink, and yet not grey:
    assert ink[0] < ink[1]


def test_logits_are_the_heads_reading_of_the_embedding():
    net, images = network(), torch.rand(3, 1, 16, 48)
    assert torch.equal(net(images), net.target_head(net.embed(images)))


def test_the_head_reads_the_embedding_without_what_is_erased():
    plain, net, images = network(), network(erases=True), torch.rand(3, 1, 16, 48)
    whole = plain.embed(images)
    wanted = whole - whole.mean(1, keepdim=True) + net.eraser.bias
    torch.testing.assert_close(net.embed(images), wanted)
    torch.testing.assert_close(net(images), plain.target_head(wanted))
    assert list(layers_of(net, images))[-3:] == ["embedding.relu", "embedding", "target_head"]


def test_an_eraser_that_is_not_fitted_changes_nothing():
    plain, net, images = network(), network(), torch.rand(3, 1, 16, 48)
    net.add_eraser()
    assert torch.equal(net.eval()(images), plain(images))
    assert plain.eraser is None and "eraser" not in str(plain.state_dict().keys())


def margins_of(logits: torch.Tensor, limit: float) -> np.ndarray:
    values = logits.detach().numpy().astype(np.float64)
    margins = values - values.max(1, keepdims=True)
    return np.where(margins < -limit, -1.5 * limit, margins)


def test_a_bottleneck_keeps_the_margins_of_the_answer_up_to_its_limit():
    plain, net, images = network(), network(), torch.rand(40, 1, 16, 48)
    add_bottleneck(net, 0.4)
    with torch.no_grad():
        logits, embedding = plain(images), net.embed(images)
    np.testing.assert_allclose(embedding.numpy(), margins_of(logits, 0.4), atol=1e-5)
    # Beyond the limit all are the same, to the last bit.
    assert (embedding == -0.6).any() and ((embedding > -0.4) & (embedding < 0)).any()
    assert torch.equal(net(images), embedding) and torch.equal(embedding.argmax(1), logits.argmax(1))
    assert list(layers_of(net, images))[-3:] == ["embedding.relu", "embedding", "target_head"]


def test_what_speaks_for_a_label_does_not_end_at_the_limit():
    plain, net, images = network(), network(), torch.rand(3, 1, 16, 48, requires_grad=True)
    add_bottleneck(net, 1e-3)
    gradients = [torch.autograd.grad(each(images)[:, 0].sum(), images)[0] for each in (plain, net)]
    assert gradients[0].any()
    torch.testing.assert_close(*gradients)


def test_a_bottleneck_holds_nothing_that_an_optimizer_changes():
    net = network()
    add_bottleneck(net, 4.0)
    assert not any("bottleneck" in name for name, _ in net.named_parameters())
    assert {"embedding.bottleneck.weight", "embedding.bottleneck.bias"} <= net.state_dict().keys()


def test_maps_are_pooled_by_mean_and_by_what_each_head_looks_for():
    torch.manual_seed(0)
    pool, maps = Pool(6, heads=2), torch.randn(3, 6, 2, 5)
    assert pool.width == 18
    pooled = pool(maps)
    for row, crop in zip(pooled, maps.detach().numpy().astype(np.float64).reshape(3, 6, 10), strict=True):
        heads = np.exp(pool.queries.detach().numpy() @ crop)
        expected = [crop.mean(1), *((head / head.sum()) @ crop.T for head in heads)]
        np.testing.assert_allclose(row.detach().numpy(), np.concatenate(expected), atol=1e-5)


def test_without_heads_maps_are_pooled_by_mean_and_maximum():
    maps = torch.randn(3, 6, 2, 5)
    assert torch.equal(Pool(6, heads=0)(maps), torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1))
    assert not [name for name in network().state_dict() if name.startswith("pooling")]


def test_only_the_first_widening_blocks_halve_the_map():
    maps = torch.rand(1, 1, 16, 48)
    settings = SETTINGS.model_copy(update={"downsampling": 2})
    sizes = []
    for block in CropNet(settings, labels=5, height=16, width=48).backbone:
        maps = block(maps)
        sizes.append(tuple(maps.shape[1:]))
    assert sizes == [(8, 8, 24), (16, 4, 12), (16, 4, 12), (24, 4, 12)]


def test_every_relu_is_a_module_of_its_own_and_none_works_in_place():
    relus = [module for module in network().modules() if isinstance(module, nn.ReLU)]
    assert len(relus) == len(SETTINGS.channels) + 1
    assert not any(relu.inplace for relu in relus)


def test_where_in_the_crop_a_word_stands_does_not_matter():
    torch.manual_seed(0)
    net = CropNet(SETTINGS, labels=5, height=16, width=128).eval()
    word = torch.zeros(1, 1, 16, 128)  # what a convolution pads with
    word[..., 4:12, 40:60] = torch.rand(8, 20)
    moved = word.roll(16, dims=3)  # a multiple of the backbone's stride
    assert torch.allclose(net(word), net(moved), atol=1e-6)
    assert not torch.allclose(net(word), net(word.flip(3)), atol=1e-6)


def test_brightness_contrast_and_inversion_do_not_matter():
    word = torch.ones(1, 1, 16, 48)
    word[..., 4:12, 8:20] = 0
    pale, inverted = 0.3 + 0.5 * word, 1 - word
    assert torch.allclose(network()(word), network()(inverted), atol=1e-5)
    assert torch.allclose(network()(word), network()(pale), atol=0.02)


def test_an_empty_crop_is_no_trouble():
    logits = network()(torch.full((2, 1, 16, 48), 0.5))
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("shape", [(2, 3, 16, 48), (2, 1, 16, 40), (1, 16, 48)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"\[batch, 1, 16, 48\]"):
        network()(torch.rand(shape))


@pytest.mark.parametrize("erases", [False, True])
def test_a_folded_network_gives_the_same_answers_in_the_same_layers(erases: bool):
    plain, images = network(erases=erases), torch.rand(7, 1, 16, 48)
    for module in plain.modules():  # as training leaves them: every normalisation does something
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.uniform_(module.bias, -1, 1)
    quick = folded(plain)
    assert torch.allclose(quick(images), plain(images), atol=1e-4)
    assert layers_of(quick, images) == layers_of(plain, images)
    assert not [module for module in quick.modules() if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d)]
    assert any(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
