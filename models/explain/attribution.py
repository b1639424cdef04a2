"""Attribution of a logit to pixels: Grad-CAM, occlusion and integrated gradients."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients, LayerGradCam
from torch import Tensor, nn

from models.explain.hooks import module_of, observed, run, run_order

PATHS = 128  # images of one pass, copies of the user's images included; more leave the processor's cache


@dataclass(frozen=True)
class Integrated:
    """Integrated gradients and their completeness error.

    `maps[rows, channels, height, width]`; their sum should be the target's logit at the image less the one at the
    baseline (`difference[rows]`). `error[rows]` is sum minus difference: from too few steps, or from parts of the
    network that hide their gradient (CropNet's `Standardise` takes mean and deviation for constants).
    """

    maps: Tensor
    difference: Tensor
    error: Tensor


def last_convolution(network: nn.Module, images: Tensor) -> str:
    """The convolution that runs last on `images`: the layer that Grad-CAM is meant for.

    Raises:
        ValueError: as `run`; or the network has no convolution, and so no map.
    """
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    ran = run_order(network, names, images[:1])
    if not ran:
        raise ValueError("Grad-CAM needs a convolution: this network runs none, so it has no map to weigh")
    return ran[-1]


@torch.inference_mode(False)
def grad_cam(network: nn.Module, images: Tensor, targets: Tensor, *, layer: str | None = None) -> Tensor:
    """Positive evidence for each target in the maps of a layer: `[rows, height, width]`, ≥ 0, of the images' size.

    Selvaraju et al. 2017: maps weighed by their mean gradient, added up, rectified, enlarged (bilinear).

    Args:
        images: `[rows, channels, height, width]`; `targets`: `[rows]` int64, indices of labels in the logits.
        layer: one with spatial positions; None: the last convolution.

    Raises:
        ValueError: as `run` and `last_convolution`; a target that is no label; a layer without spatial positions.
    """
    check_targets(network, images, targets)
    layer = layer or last_convolution(network, images)
    _check_positions(network, images, layer)
    maps = []
    for some, wanted in _parts(images, targets, 1):
        found = LayerGradCam(network, module_of(network, layer)).attribute(some, wanted, relu_attributions=True)
        maps.append(nn.functional.interpolate(found.detach(), images.shape[2:], mode="bilinear")[:, 0])
    return torch.cat(maps)


@torch.inference_mode(False)
def occlusion(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    window: tuple[int, int],
    stride: tuple[int, int],
    baseline: Tensor | float = 0.0,
) -> Tensor:
    """How much each target's logit falls when a window of the image is covered: `[rows, height, width]`.

    Zeiler & Fergus 2014, section 4.2; a pixel has the mean over the windows that cover it. Below 0: covering
    raised the logit.

    Args:
        window, stride: (height, width) in pixels; a window larger than the image covers it all.
        baseline: the covering pixels: a value, or an image for each row (`mean_baseline(images)`).

    Raises:
        ValueError: as `run`; a target that is no label; a stride below 1 or above the window.
    """
    check_targets(network, images, targets)
    if not (1 <= stride[0] <= window[0] and 1 <= stride[1] <= window[1]):
        raise ValueError(f"a stride is at least one pixel and at most the window, got {stride} and window {window}")
    height, width = images.shape[2:]
    window = (min(window[0], height), min(window[1], width))
    stride = (min(stride[0], window[0]), min(stride[1], window[1]))
    baselines = baseline if isinstance(baseline, Tensor) else torch.full_like(images, baseline)
    covered = _windows(height, width, window, stride)
    falls = torch.empty(len(images), len(covered))
    with torch.no_grad():
        for some in torch.split(torch.arange(falls.numel()), PATHS):
            row, position = some // len(covered), some % len(covered)
            logits = network(torch.where(covered[position, None], baselines[row], images[row]))
            falls.view(-1)[some] = logits.gather(1, targets[row, None])[:, 0]
        whole = torch.cat([network(some).gather(1, wanted[:, None]) for some, wanted in _parts(images, targets, 1)])
    share = covered.flatten(1).float() / covered.sum(dim=0).flatten()
    return ((whole - falls) @ share).reshape(len(images), height, width)


def _windows(height: int, width: int, window: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """Which pixels each window covers: bool `[windows, height, width]`. The last of a row or column may be cut off."""
    tops, lefts = (
        torch.arange(0, -(-(size - own) // step) * step + 1, step)
        for size, own, step in zip((height, width), window, stride, strict=True)
    )
    rows, columns = torch.arange(height) - tops[:, None], torch.arange(width) - lefts[:, None]
    within = [(offsets >= 0) & (offsets < own) for offsets, own in zip((rows, columns), window, strict=True)]
    return (within[0][:, None, :, None] & within[1][None, :, None, :]).flatten(0, 1)


@torch.inference_mode(False)
def integrated_gradients(
    network: nn.Module, images: Tensor, targets: Tensor, *, baseline: Tensor | float = 0.0, steps: int = 64
) -> Integrated:
    """The gradient of each target's logit, integrated along the line from the baseline to the image.

    Sundararajan et al. 2017, eq. 1, by Gauss–Legendre quadrature in `steps` steps.

    Raises:
        ValueError: as `run`; a target that is no label; fewer than 1 step.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    check_targets(network, images, targets)
    baselines = baseline if isinstance(baseline, Tensor) else torch.full_like(images, baseline)
    method = IntegratedGradients(network)
    maps, differences = [], []
    for some, wanted, start in _parts(images, targets, steps, baselines):
        maps.append(method.attribute(some, start, wanted, n_steps=steps).detach())
        with torch.no_grad():
            ends = network(some) - network(start)
        differences.append(ends.gather(1, wanted[:, None])[:, 0])
    found, difference = torch.cat(maps).to(images.dtype), torch.cat(differences)
    return Integrated(found, difference, found.flatten(1).sum(dim=1) - difference)


def mean_baseline(images: Tensor) -> Tensor:
    """Each image's own mean in each channel, in every pixel: a uniform baseline."""
    return images.mean(dim=(2, 3), keepdim=True).expand_as(images).clone()


def check_targets(network: nn.Module, images: Tensor, targets: Tensor) -> None:
    """Raises `ValueError` where a target is no label of the network, or there is not one for each image."""
    if not len(images):
        raise ValueError("there are no images")
    with torch.no_grad():
        logits = run(network, images[:1])
    if logits.dim() != 2:
        raise ValueError(f"the network gives {list(logits.shape)}, not logits [batch, labels]")
    if targets.shape != (len(images),):
        raise ValueError(f"{len(images)} images need as many targets, got {list(targets.shape)}")
    wrong = targets[(targets < 0) | (targets >= logits.shape[1])]
    if len(wrong):
        raise ValueError(f"the network's labels are 0 to {logits.shape[1] - 1}, not {int(wrong[0])}")


def _check_positions(network: nn.Module, images: Tensor, layer: str) -> None:
    shapes: list[torch.Size] = []
    with torch.no_grad(), observed(network, {layer: lambda output: shapes.append(output.shape)}):
        run(network, images[:1])
    if len(shapes) != 1 or len(shapes[0]) != 4:
        gave = f"runs {len(shapes)} times" if len(shapes) != 1 else f"gives {list(shapes[0])}"
        raise ValueError(f"Grad-CAM needs a layer that runs once and has a map, but '{layer}' {gave}")


def _parts(images: Tensor, targets: Tensor, copies: int, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Rows of all tensors, as many at once as `PATHS` allows when the method makes `copies` of each image."""
    for rows in torch.split(torch.arange(len(images)), max(PATHS // copies, 1)):
        yield tuple(tensor[rows].clone() for tensor in (images, targets, *others))
