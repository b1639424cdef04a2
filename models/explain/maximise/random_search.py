"""Random search over settings of activation maximisation for one unit, as one batched computation.

Yosinski et al. (2015) sampled 300 settings at random and chose four by eye. Here each is ranked by three measures: the
unit's activation, how smooth its image is, and how near the image's spectrum is to that of data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.explain.maximise.ascent import AscentResult, maximise
from models.explain.maximise.ascent_settings import AscentSettings, random_settings
from models.explain.maximise.canvas import Canvas
from models.explain.maximise.regularise import total_variation
from models.explain.spectrum import radial_spectrum, spectrum_distance

COUNT = 300


@dataclass(frozen=True)
class Search:
    """Settings tried, what they gave (row `i` of `ascent` is setting `i`), and the measures of their best images.

    `activation`, `variation` (standard deviations between neighbours) and `distance` (of spectra, 0 to 1) are
    `[settings]`, and so is `rank`, the mean of the ranks by each: 0 would be the best by all three. Settings under
    which the unit had no gradient come last.
    """

    settings: list[AscentSettings]
    ascent: AscentResult
    activation: Tensor
    variation: Tensor
    distance: Tensor
    rank: Tensor

    def best(self, count: int = 4) -> list[int]:
        """Numbers of the best settings, each of other regularisers as far as there are; best first.

        The paper's four were chosen because they show different things; the four best by any one measure are
        nearly alike.
        """
        order = self.rank.argsort(stable=True).tolist()
        kinds: set[frozenset[str]] = set()
        firsts: list[int] = []
        others: list[int] = []
        for number in order:
            kind = self.settings[number].regularisers
            (others if kind in kinds else firsts).append(number)
            kinds.add(kind)
        return (firsts + others)[:count]


def search(
    network: nn.Module,
    layer: str,
    unit: int,
    *,
    canvas: Canvas,
    data: Tensor,
    settings: Sequence[AscentSettings] | None = None,
    seed: int = 0,
    override_steps: int = 0,
    workers: int = 1,
    done: Callable[[int], None] = lambda samples: None,
) -> Search:
    """Try settings, `COUNT` random ones if none are given, on one unit.

    Args:
        data: real images in the canvas's pixels, `[n, *canvas.shape]`, whose spectrum is the reference.
        network, layer, canvas, override_steps, workers, done: as for `maximise`.
        seed: of the random settings and of the random pixels.

    Raises:
        ValueError: as `maximise`.
    """
    tried = random_settings(COUNT, seed=seed) if settings is None else list(settings)
    found = maximise(
        network, layer, [unit], canvas=canvas, settings=tried, seeds=[seed], override_steps=override_steps,
        workers=workers, done=done,
    )  # fmt: skip
    activation, variation = found.best_activation, total_variation(found.best)
    distance = spectrum_distance(radial_spectrum(found.best), radial_spectrum(found.window.cut(data)))
    rank = torch.stack([_ranks(-activation), _ranks(variation), _ranks(distance)]).mean(dim=0)
    rank = torch.where(found.silent, torch.full_like(rank, len(tried)), rank)
    return Search(tried, found, activation, variation, distance, rank)


def _ranks(values: Tensor) -> Tensor:
    """0 for the smallest; equal values have equal ranks."""
    return (values[None, :] < values[:, None]).sum(dim=1).double()
