"""Activation maximisation: images that activate a unit most, optimised by gradient ascent from random pixels.

After Yosinski et al. (2015): x <- r(x + rate * gradient), where r decays, blurs and clips. Units, settings and seeds
are one batch; each sample has settings of its own, and no sample's image depends on what else is in the batch.

**Rates.** The paper's rates hold for CaffeNet's pixels (0 to 255, 3 x 227 x 227) and CaffeNet's gradients; another
network's gradients may be a thousand times as large or small. What must carry over is how far an optimisation goes. The
paper's two limits, a rate of 100 and a progress of 2 in activation, meet at one norm of the gradient. A layer's
counterpart of it is measured: the root mean square norm of its active units' gradients on noise. At that gradient a
rate of 100, and a progress of 2, move the pixels of the unit's receptive field by 1/250 of their range (root mean
square), so that the paper's shortest run of 500 steps can take them from one end of the range to the other and back.
A fifth of that leaves images too faint to be like anything that the network was trained on; five times as much
breaks them up.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from functools import partial

import torch
from torch import Tensor, nn

from models.explain.hooks import check_units
from models.explain.maximise.ascent_settings import AscentSettings, Columns
from models.explain.maximise.canvas import Canvas, Window, gradient_of, probes, window_of
from models.explain.maximise.partial_network import PartialNetwork, ReluGradientOverride, partial_network
from models.explain.maximise.regularise import Regulariser, rolled, shifts_of
from models.explain.threads import in_threads

CPU = torch.device("cpu")
START = 10 / 255  # standard deviation of the random pixels, of the canvas's range, as in the paper's code
CACHED = 65_536  # pixels of a batch whose maps stay in a core's cache; twice as many take a third longer each
PAPER_RATE, PAPER_PROGRESS = 100.0, 2.0
STEP = 1 / 250  # of the canvas's range, root mean square over pixels: a step at the paper's limits


@dataclass(frozen=True)
class AscentResult:
    """What was found, a row a sample: unit by unit, within it setting by setting, within that seed by seed.

    `unit`, `setting`, `seed` say which sample a row is; `setting` is a number in the sequence given. `best`, `last`
    and `majority` are images `[n, channels, height, width]` in the canvas's pixels, of the part `window`: where the
    unit was highest, at the end, and when it first was the highest of its layer at its position. `…_activation` and
    `…_step` go with them; a sample that never was the highest has `majority_step` -1 and an image of NaN. `silent`
    samples had no gradient at any step: their images are noise and show nothing. `overridden` ones had the gradient
    of zero ReLUs overridden in some step.
    """

    unit: Tensor
    setting: Tensor
    seed: Tensor
    best: Tensor
    best_activation: Tensor
    best_step: Tensor
    last: Tensor
    last_activation: Tensor
    majority: Tensor
    majority_activation: Tensor
    majority_step: Tensor
    silent: Tensor
    overridden: Tensor
    window: Window


def maximise(
    network: nn.Module,
    layer: str,
    units: Sequence[int],
    *,
    canvas: Canvas,
    settings: Sequence[AscentSettings],
    seeds: Sequence[int] = (0,),
    start: Tensor | None = None,
    override_steps: int = 0,
    windowed: bool = True,
    workers: int = 1,
    done: Callable[[int], None] = lambda samples: None,
) -> AscentResult:
    """Optimise images for every unit, setting and seed; the network computes no further than `layer`.

    Of a layer with spatial positions, a unit's activation is the one at the middle position.

    Args:
        network: any module that takes images `[batch, *canvas.shape]`; the images are optimised on its device. It is
            left as it was.
        layer: name of a module of it; its output is `[batch, units]` or `[batch, units, positions…]`.
        units: numbers of the layer's units.
        canvas: what the pixels are.
        settings: with rates and progress in the paper's units.
        seeds: of the random pixels and of the jitter.
        start: `[units, *canvas.shape]`, pixels to start from in place of random ones: a unit's top-activating crop.
        override_steps: the first so many steps override the gradient of zero ReLUs for units that have none.
        windowed: only the middle position's receptive field is optimised; percentiles and blur are of these pixels.
        workers: threads; torch's own threads are divided among them.
        done: called with the number of samples that were finished.

    Raises:
        ValueError: no such layer or entry, a unit out of range, a layer without gradient, `start` of another shape.
    """
    with partial_network(network, layer, shape=canvas.shape, entry=canvas.entry) as to_layer, torch.enable_grad():
        window = window_of(to_layer, canvas, cut=windowed)
        optimisation = _Optimisation(to_layer, canvas, window, settings, override_steps)
        optimisation.check(units, start)
        samples = torch.cartesian_prod(*(torch.arange(len(axis)) for axis in (units, settings, seeds)))
        samples = samples.view(-1, 3)
        rows = torch.stack([torch.tensor(units)[samples[:, 0]], samples[:, 1], torch.tensor(seeds)[samples[:, 2]]], 1)
        starts = None if start is None else window.cut(start)
        batches = optimisation.batches(samples[:, 1])
        found = []
        for part in in_threads(partial(optimisation.run, rows, samples[:, 0], starts), batches, workers):
            found.append(part.on(CPU))
            done(len(part.silent))
    order = torch.cat(batches).argsort()
    gathered = {field.name: torch.cat([getattr(one, field.name) for one in found])[order] for field in fields(_Found)}
    return AscentResult(unit=rows[:, 0], setting=rows[:, 1], seed=rows[:, 2], window=window, **gathered)


class _Optimisation:
    """Everything that the batches of one `maximise` share."""

    def __init__(
        self, to_layer: PartialNetwork, canvas: Canvas, window: Window, settings: Sequence[AscentSettings],
        override_steps: int,
    ) -> None:  # fmt: skip
        self.to_layer, self.canvas, self.window, self.settings = to_layer, canvas, window, settings
        self.override_steps = override_steps
        self.on_noise, gradient = gain(to_layer, canvas, window)
        step = STEP * canvas.span * math.sqrt(canvas.channels * window.field)
        self.rate = step / gradient / PAPER_RATE
        self.progress = step * gradient / PAPER_PROGRESS

    def check(self, units: Sequence[int], start: Tensor | None) -> None:
        check_units(self.to_layer.layer, torch.tensor(units), self.on_noise)
        if start is not None and start.shape != (len(units), *self.canvas.shape):
            raise ValueError(f"start must be {[len(units), *self.canvas.shape]}, not {list(start.shape)}")

    def batches(self, setting: Tensor) -> list[Tensor]:
        """Indices of the samples of each batch: of as many steps, and no more than stay in the cache."""
        (before, after, above, below), window = self.window.pad, self.window
        size = max(1, CACHED // ((window.height + above + below) * (window.width + before + after)))
        steps = torch.tensor([one.steps for one in self.settings])[setting]
        batches: list[Tensor] = []
        for length in torch.unique(steps):
            batches.extend(torch.split(torch.nonzero(steps == length).flatten(), size))
        return batches

    def run(self, rows: Tensor, group: Tensor, starts: Tensor | None, batch: Tensor) -> "_Found":
        """Optimise the samples `batch`, indices into `rows[n, 3]` (unit, setting, seed) and `group[n]` (of start)."""
        unit, setting, seed = rows[batch].unbind(1)
        device = self.to_layer.device
        columns = Columns([self.settings[number] for number in setting.tolist()], device)
        x = (self.noise(seed) if starts is None else starts[group[batch]]).to(device) - self.canvas.neutral
        regularise = Regulariser(columns, x, self.rate, self.progress)
        unit, shifts = unit.to(device), shifts_of(columns, seed)
        found = _Found.none(x)
        for step in range(columns.steps):
            x = x.clamp(self.canvas.low - self.canvas.neutral, self.canvas.high - self.canvas.neutral)
            override = found.silent if 0 < step < self.override_steps and found.silent.any() else None
            values, gradient = self.look(x, unit, None if shifts is None else shifts[step], override)
            found.update(step, x, values, unit, own=gradient, overridden=override is not None)
            if step + 1 < columns.steps:  # what the last activation was measured on is the last image
                x = regularise(x, gradient, step)
        return found.shifted(self.canvas.neutral)

    def noise(self, seed: Tensor) -> Tensor:
        """Random pixels `[batch, channels, height, width]`, from the seed alone."""
        noises = {
            one: torch.randn(self.canvas.shape, generator=torch.Generator().manual_seed(one))
            for one in set(seed.tolist())
        }
        pixels = torch.stack([noises[one] for one in seed.tolist()])
        return self.window.cut(self.canvas.neutral + START * self.canvas.span * pixels)

    def look(self, x: Tensor, unit: Tensor, shift: Tensor | None, override: Tensor | None) -> tuple[Tensor, Tensor]:
        """All units' values `[batch, units]` and the gradient `[batch, channels, height, width]` of each sample's."""
        pixels = (x if shift is None else rolled(x, shift)).add(self.canvas.neutral).requires_grad_()
        with torch.enable_grad(), nullcontext() if override is None else ReluGradientOverride(override):
            values = self.window.units(self.to_layer, pixels, self.canvas.neutral)
            gradient = gradient_of(self.to_layer, values.gather(1, unit[:, None]).sum(), pixels)
        return values.detach(), gradient if shift is None else rolled(gradient, -shift)


@dataclass
class _Found:
    """The images kept so far, a row a sample; see `AscentResult`."""

    best: Tensor
    best_activation: Tensor
    best_step: Tensor
    last: Tensor
    last_activation: Tensor
    majority: Tensor
    majority_activation: Tensor
    majority_step: Tensor
    silent: Tensor
    overridden: Tensor

    @classmethod
    def none(cls, x: Tensor) -> "_Found":
        nothing, never = x.new_full((len(x),), math.nan), x.new_full((len(x),), -1, dtype=torch.int64)
        return cls(
            best=x.clone(), best_activation=torch.full_like(nothing, -math.inf), best_step=never.clone(),
            last=x, last_activation=nothing, majority=torch.full_like(x, math.nan),
            majority_activation=nothing.clone(), majority_step=never, silent=torch.ones_like(never, dtype=torch.bool),
            overridden=torch.zeros_like(never, dtype=torch.bool),
        )  # fmt: skip

    def update(self, step: int, x: Tensor, values: Tensor, unit: Tensor, *, own: Tensor, overridden: bool) -> None:
        activation = values.gather(1, unit[:, None])[:, 0]
        moved = activation != (activation if step == 0 else self.last_activation)
        # An overridden gradient is not the unit's own; but where it changed the activation, the unit has one now.
        if self.silent.any():
            self.overridden = self.overridden | self.silent if overridden else self.overridden
            self.silent = self.silent & ~(moved if overridden else moved | (own.abs().amax(dim=(1, 2, 3)) > 0))
        self.last, self.last_activation = x, activation
        higher = activation > self.best_activation
        self.best[higher], self.best_activation[higher], self.best_step[higher] = x[higher], activation[higher], step
        first = (self.majority_step < 0) & ~self.silent & (values.argmax(dim=1) == unit)
        if first.any():
            self.majority[first], self.majority_activation[first] = x[first], activation[first]
            self.majority_step[first] = step

    def on(self, device: torch.device) -> "_Found":
        return _Found(**{name: value.to(device) for name, value in vars(self).items()})

    def shifted(self, neutral: float) -> "_Found":
        """With images in the canvas's pixels."""
        self.best, self.last, self.majority = self.best + neutral, self.last + neutral, self.majority + neutral
        return self


def gain(to_layer: PartialNetwork, canvas: Canvas, window: Window) -> tuple[Tensor, float]:
    """A layer's units on noise, `[PROBES, units]`, and the root mean square norm of its active ones' gradients.

    One backward pass an image, whatever the number of units: with random signs before the units' values the squared
    norm of the sum's gradient is, on average, the sum of the squared norms (Hutchinson 1989). Of a layer without any
    active unit it is that of the gradient override; 1 where there is none either.
    """
    pixels = window.cut(probes(canvas)).to(to_layer.device)
    for override in (False, True):
        leaf = pixels.clone().requires_grad_()
        with ReluGradientOverride(torch.full((len(leaf),), override, device=leaf.device)):
            values = window.units(to_layer, leaf, canvas.neutral)
            signs = torch.randint(2, values.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
            gradient = gradient_of(to_layer, (values * signs.to(leaf.device)).sum(), leaf)
        active = int((values != 0).sum())
        if gradient.any():
            return values.detach(), float(gradient.double().square().sum() / max(active, 1)) ** 0.5
    return values.detach(), 1.0
