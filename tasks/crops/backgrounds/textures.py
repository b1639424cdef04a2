"""Backgrounds that fill the whole crop: surfaces, screens, light."""

import numpy as np
from numpy.random import Generator
from PIL import Image

from tasks.crops.backgrounds.canvas import Grey, along, axes


def noise(rng: Generator, height: int, width: int) -> Grey:
    """White noise, finer or coarser."""
    grain = int(rng.integers(1, 5))
    small = rng.random((-(-height // grain), -(-width // grain)), np.float32) ** rng.uniform(0.5, 3)
    return np.kron(small, np.ones((grain, grain), np.float32))[:height, :width]


def clouds(rng: Generator, height: int, width: int) -> Grey:
    """Value noise of several octaves: paper, marble, skin."""
    total = np.zeros((height, width), np.float32)
    for octave in range(int(rng.integers(1, 4)), 6):
        size = (2 + 2 ** (octave + 1), 2 + 2**octave)
        layer = Image.fromarray((rng.random(size[::-1]) * 255).astype(np.uint8))
        total += np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 1.8**octave
    return total


def grid(rng: Generator, height: int, width: int) -> Grey:
    """Squared paper, mesh, windows."""
    rows, columns = axes(height, width)
    step, thick = rng.uniform(4, 20, 2), rng.uniform(0.7, 3)
    start = rng.uniform(0, 20, 2)
    tilt = rng.uniform(-0.1, 0.1)
    lines = ((columns + tilt * rows + start[0]) % step[0] < thick) | (
        (rows - tilt * columns + start[1]) % step[1] < thick
    )
    return 1 - lines.astype(np.float32)


def halftone(rng: Generator, height: int, width: int) -> Grey:
    """A screen of printer's dots whose size follows a slope."""
    rows, columns = axes(height, width)
    angle, step = rng.uniform(0, np.pi / 2), rng.uniform(3, 8)
    across = np.cos(angle) * columns + np.sin(angle) * rows
    down = np.cos(angle) * rows - np.sin(angle) * columns
    wave = np.cos(2 * np.pi * across / step) + np.cos(2 * np.pi * down / step)
    tone = along(rng, height, width) / width * rng.uniform(0.5, 3) + rng.uniform(-1, 1)
    return 1 / (1 + np.exp(-3 * (wave + tone)))


def edges(rng: Generator, height: int, width: int) -> Grey:
    """A few hard and soft edges: corners of things, shadows."""
    total = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        far = along(rng, height, width)
        middle = far[int(rng.integers(height)), int(rng.integers(width))]
        total += rng.uniform(-1, 1) / (1 + np.exp(np.clip((middle - far) / rng.uniform(0.3, 12), -30, 30)))
    return total


def plain(rng: Generator, height: int, width: int) -> Grey:
    """Nothing but an even slope of light and a little grain."""
    slope = along(rng, height, width) / width
    return slope + rng.normal(0, rng.uniform(0.01, 0.5), (height, width)).astype(np.float32)


def checker(rng: Generator, height: int, width: int) -> Grey:
    """A chequered floor, tilted."""
    rows, columns = axes(height, width)
    across, down = rng.uniform(3, 18, 2)
    tilt = rng.uniform(-0.5, 0.5)
    fields = np.floor((columns + tilt * rows) / across) + np.floor((rows - tilt * columns) / down)
    return (fields % 2).astype(np.float32)


def stains(rng: Generator, height: int, width: int) -> Grey:
    """Soft-edged spots of clouds cut at a level: ink, mould, camouflage."""
    field = clouds(rng, height, width)
    level = np.quantile(field, rng.uniform(0.2, 0.8))
    return 1 / (1 + np.exp(np.clip((field - level) / (field.std() * rng.uniform(0.02, 0.3)), -30, 30)))


def ruled(rng: Generator, height: int, width: int) -> Grey:
    """Ruled paper: lines nearly level, sometimes with a margin."""
    rows, columns = axes(height, width)
    step, thick, tilt = rng.uniform(4, 18), rng.uniform(0.8, 3), rng.uniform(-0.08, 0.08)
    marks = ((rows + tilt * columns + rng.uniform(0, 18)) % step) < thick
    if rng.random() < 0.5:
        marks |= np.abs(columns - rng.uniform(0, width)) < rng.uniform(0.6, 2)
    return 1 - marks + rng.normal(0, 0.05, marks.shape).astype(np.float32)


def hatching(rng: Generator, height: int, width: int) -> Grey:
    """Slanting parallel lines, once or crosswise."""
    marks = np.ones((height, width), np.float32)
    for _ in range(int(rng.integers(1, 3))):
        step = rng.uniform(3, 10)
        marks *= (along(rng, height, width) % step) > rng.uniform(0.2, 0.6) * step
    return marks


def arcs(rng: Generator, height: int, width: int) -> Grey:
    """Rings around a centre in or near the crop: wood, ripples, targets."""
    rows, columns = axes(height, width)
    middle = rng.uniform(-0.5, 1.5, 2) * (height, width)
    distance = np.hypot(rows - middle[0], (columns - middle[1]) * rng.uniform(0.5, 1.5))
    return np.clip(rng.uniform(1, 4) * np.sin(2 * np.pi * distance / rng.uniform(4, 20)), -1, 1)


def spectrum(rng: Generator, height: int, width: int) -> Grey:
    """Noise whose amplitude falls with a power of the frequency, as in photographs: gravel, grass, fur, skies.

    Longer in one direction than in the other, and cut at a level now and then.
    """
    turned, (down, across) = rng.uniform(0, np.pi), (np.fft.fftfreq(height), np.fft.rfftfreq(width))
    stretch = rng.uniform(1, 4)
    u = np.cos(turned) * across[None, :] + np.sin(turned) * down[:, None]
    v = stretch * (np.cos(turned) * down[:, None] - np.sin(turned) * across[None, :])
    falling = np.maximum(np.hypot(u, v), 1 / width) ** -rng.uniform(0.4, 2.2)
    waves = np.exp(2j * np.pi * rng.random(falling.shape)) * falling
    found = np.fft.irfft2(waves, (height, width)).astype(np.float32)
    found /= float(found.std()) or 1.0
    return np.tanh(found * rng.uniform(0.3, 3))
