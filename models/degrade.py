"""Degradations: batched, seeded crop by crop, the same for a crop in whatever batch it comes.

A step is one function and one line in `STEPS`. It takes its random numbers by name from `Draw`, so
that a new step leaves what the others draw as it was.
"""

import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from models.settings import DegradeSettings

BANK_SEED = 20_170_807
BANK_SIDE = 1024


def _signed(unsigned: int) -> int:
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = _signed(0xBF58476D1CE4E5B9), _signed(0x94D049BB133111EB)


def splitmix64(values: Tensor) -> Tensor:
    """The finaliser of splitmix64 (Steele et al. 2014), element by element over int64."""
    values = (values ^ _shift_right(values, 30)) * _MIX_1
    values = (values ^ _shift_right(values, 27)) * _MIX_2
    return values ^ _shift_right(values, 31)


def _shift_right(values: Tensor, bits: int) -> Tensor:
    # int64 shifts drag the sign along: mask it off.
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def seeds_of(keys: Sequence[str], epoch: int, *, seed: int = 0) -> Tensor:
    """Seeds `int64[n]` of crops by their keys (16 hexadecimal digits or more), for one epoch of one run."""
    base = torch.tensor([_signed(int(key[:16], 16)) for key in keys], dtype=torch.int64)
    return seeds_at(base, epoch, seed=seed)


def seeds_at(base: Tensor, epoch: int, *, seed: int = 0) -> Tensor:
    """Seeds `int64[n]` for one epoch of one run, from seeds that stand for the crops alone."""
    run = torch.tensor(seed, dtype=torch.int64) * _MIX_1 + epoch
    return splitmix64(base + splitmix64(run * _GOLDEN))


class Draw:
    """Random numbers of a batch: one for each crop under each name, from its seed alone."""

    def __init__(self, seeds: Tensor) -> None:
        self.seeds = seeds

    def bits(self, name: str) -> Tensor:
        """`int64[batch]`, every bit a coin."""
        counter = zlib.crc32(name.encode()) * 0x9E3779B97F4A7C15 % 2**64
        return splitmix64(self.seeds + _signed(counter))

    def unit(self, name: str) -> Tensor:
        """`float32[batch]` in [0, 1)."""
        return _shift_right(self.bits(name), 40).to(torch.float32) * 2.0**-24

    def signed(self, name: str, largest: float) -> Tensor:
        """`float32[batch]` in [-largest, largest)."""
        return (self.unit(name) * 2 - 1) * largest

    def whole(self, name: str, count: int) -> Tensor:
        """`int64[batch]` in 0..count-1."""
        return _shift_right(self.bits(name), 1) % count


def warp(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """Rotation, shear, scale, shift and bending in one resampling; what lies outside is as the border.

    Width and height are scaled each by its own factor: letters are narrow or wide as designs are.
    """
    batch, _, height, width = images.shape
    grid = functional.affine_grid(
        _affine(draw, settings, ratio=height / width).to(images.dtype),
        [batch, 1, height, width],
        align_corners=False,
    )
    if settings.bend:
        reach = draw.unit("bend") * settings.bend
        for axis, length in enumerate((width, height)):
            field = _patches(_bend_bank, draw, f"bend-{axis}", images)[:, 0]
            grid[..., axis] += field * (reach * 2 / length)[:, None, None]
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _affine(draw: Draw, settings: DegradeSettings, *, ratio: float) -> Tensor:
    """Matrices `[batch, 2, 3]` from places in the degraded crop to places in the given one, each -1..1."""
    angle = draw.signed("rotation", settings.rotation).double().deg2rad()
    shear = draw.signed("shear", settings.shear).double()
    cos, sin = angle.cos(), angle.sin()
    across = 1 / (1 + draw.signed("scale-x", settings.scale).double())
    down = 1 / (1 + draw.signed("scale-y", settings.scale).double())
    # Between -1 and 1 both ways, a turn would be a skew on crops wider than high: `ratio` undoes that.
    left = [across * cos, across * (cos * shear + sin) * ratio, 2 * draw.signed("shift-x", settings.shift)]
    top = [-down * sin / ratio, down * (cos - sin * shear), 2 * draw.signed("shift-y", settings.shift)]
    return torch.stack([torch.stack(left, 1), torch.stack(top, 1)], 1)


def stroke(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """Thicker or thinner ink: a blend with the darkest or lightest of each pixel's cross of five."""
    amount = _column(draw.signed("stroke", settings.stroke))
    side = amount.sign()
    lit = images * side  # below 0 the darkest is sought, as the lightest of the negative
    padded = functional.pad(lit, (1, 1, 1, 1), mode="replicate")
    grown = torch.maximum(lit, padded[..., 1:-1, :-2]).maximum(padded[..., 1:-1, 2:])
    grown = grown.maximum(padded[..., :-2, 1:-1]).maximum(padded[..., 2:, 1:-1])
    return images + (grown - lit) * amount


def blur(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """Gaussian blur with a standard deviation of up to `settings.blur` pixels."""
    deviation = draw.unit("blur").double() * settings.blur
    radius = max(1, round(2.5 * settings.blur))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    taps = torch.exp(-0.5 * (offsets / deviation.clamp_min(0.05)[:, None]) ** 2)
    taps = (taps / taps.sum(1, keepdim=True)).to(images.dtype)
    batch = len(images)
    # One group a crop: each has its own kernel.
    rows = functional.pad(images, (radius, radius, radius, radius), mode="replicate").transpose(0, 1)
    rows = functional.conv2d(rows, taps.view(batch, 1, 1, -1), groups=batch)
    return functional.conv2d(rows, taps.view(batch, 1, -1, 1), groups=batch).transpose(0, 1).contiguous()


def contrast(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """The grey range shrinks by up to `settings.contrast` and comes to lie anywhere in [0, 1]."""
    loss = draw.unit("contrast") * settings.contrast
    return images * _column(1 - loss) + _column(loss * draw.unit("level"))


def texture(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """An uneven ground: smooth and grainy patterns of up to `settings.texture` of the grey range."""
    patches = _patches(_ground_bank, draw, "texture", images)
    return images + patches * _column(draw.signed("texture", settings.texture))


def invert(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """Light on dark, for a share of the crops."""
    turned = _column((draw.unit("invert") < settings.invert).to(images.dtype))
    return turned + images * (1 - 2 * turned)


def noise(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    """White Gaussian noise with a standard deviation of up to `settings.noise`."""
    return images + _patches(_noise_bank, draw, "noise", images) * _column(draw.unit("noise") * settings.noise)


Step = Callable[[Tensor, Draw, DegradeSettings], Tensor]

# In the order in which print, paper and camera would do it; each beside its settings: it acts if
# one is above 0.
STEPS: tuple[tuple[Step, tuple[str, ...]], ...] = (
    (warp, ("rotation", "shear", "scale", "shift", "bend")),
    (stroke, ("stroke",)),
    (texture, ("texture",)),
    (contrast, ("contrast",)),
    (invert, ("invert",)),
    (blur, ("blur",)),
    (noise, ("noise",)),
)

# What every evaluation runs on: never to be changed, or figures of different times cannot be compared.
SEVERITIES: dict[str, DegradeSettings | None] = {
    "clean": None,
    "light": DegradeSettings(
        rotation=1.5,
        shear=0.08,
        scale=0.08,
        shift=0.02,
        bend=0.0,
        stroke=0.2,
        blur=0.6,
        contrast=0.3,
        invert=0.1,
        texture=0.1,
        noise=0.03,
    ),
    "medium": DegradeSettings(
        rotation=3.0,
        shear=0.16,
        scale=0.15,
        shift=0.04,
        bend=0.3,
        stroke=0.35,
        blur=1.0,
        contrast=0.5,
        invert=0.2,
        texture=0.2,
        noise=0.06,
    ),
    "heavy": DegradeSettings(
        rotation=6.0,
        shear=0.3,
        scale=0.25,
        shift=0.08,
        bend=0.6,
        stroke=0.6,
        blur=1.6,
        contrast=0.7,
        invert=0.4,
        texture=0.4,
        noise=0.12,
    ),
}


@torch.no_grad()
def degrade(images: Tensor, seeds: Tensor, settings: DegradeSettings | None) -> Tensor:
    """Degraded crops, `[batch, 1, h, w]` in [0, 1] from such; seeds and settings alone decide.

    Args:
        seeds: `int64[batch]`, see `seeds_of`.
        settings: the largest strength of each step; none, or all 0, is the identity.

    Raises:
        ValueError: the shapes do not fit.
    """
    if images.ndim != 4 or images.shape[1] != 1 or seeds.shape != images.shape[:1]:
        raise ValueError(f"images {list(images.shape)} must be [batch, 1, h, w] and seeds {list(seeds.shape)} [batch]")
    if settings is None or not len(images):
        return images
    draw = Draw(seeds)
    acting = [step for step, names in STEPS if any(getattr(settings, name) for name in names)]
    for step in acting:
        images = step(images, draw, settings)
    return images.clamp(0, 1) if acting else images


def _column(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _patches(bank: Callable[[int], Tensor], draw: Draw, name: str, like: Tensor) -> Tensor:
    """A window of the bank for each crop, `[batch, 1, h, w]`, at a place of its own."""
    height, width = like.shape[2:]
    side = max(BANK_SIDE, 2 * height, 2 * width)

    windows = bank(side).unfold(0, height, 1).unfold(1, width, 1)
    top = draw.whole(f"{name}-top", side - height)
    left = draw.whole(f"{name}-left", side - width)
    return windows[top, left].unsqueeze(1)


@lru_cache(maxsize=4)
def _noise_bank(side: int) -> Tensor:
    """White noise `[side, side]`, mean 0, standard deviation 1."""
    return torch.randn(side, side, generator=torch.Generator().manual_seed(BANK_SEED))


@lru_cache(maxsize=4)
def _ground_bank(side: int) -> Tensor:
    """Noise `[side, side]` of three grains, standard deviation 1/2: clouds, blotches, paper fibre."""
    return _smooth(side, grains=(3, 12, 48), seed=BANK_SEED + 1) / 2


@lru_cache(maxsize=4)
def _bend_bank(side: int) -> Tensor:
    """Displacements `[side, side]`, standard deviation 1, that change over about a letter."""
    return _smooth(side, grains=(10,), seed=BANK_SEED + 2)


def _smooth(side: int, *, grains: tuple[int, ...], seed: int) -> Tensor:
    """Smooth noise `[side, side]`, standard deviation 1: a sum of noises, one for each grain in pixels."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, 1, side, side)
    for grain in grains:
        coarse = torch.randn(1, 1, side // grain + 2, side // grain + 2, generator=generator)
        total += functional.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)
    return (total / total.std())[0, 0]
