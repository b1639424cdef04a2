"""Schedules over a training, as pure functions of the step: a resumed run needs no state for them."""

import math


def one_cycle(step: int, steps: int, *, peak: float, warmup: float) -> float:
    """Learning rate at `step`: up from `peak / 25` over the fraction `warmup`, then down to 0.

    Smith & Topin, Super-Convergence (2018), with cosine ramps in place of linear ones.
    """
    rise = warmup * steps
    if step < rise:
        return peak * (1 / 25 + (1 - 1 / 25) * _half_cosine(step / rise))
    return peak * (1 - _half_cosine((step - rise) / max(steps - rise, 1)))


def reversal_strength(step: int, steps: int, *, largest: float) -> float:
    """λ at `step`: `largest · (2 / (1 + exp(-10 p)) - 1)` with `p = step / steps`.

    Ganin & Lempitsky, Unsupervised Domain Adaptation by Backpropagation (2015), section 4: the
    nuisance head learns before its gradient reaches the backbone.
    """
    return largest * (2 / (1 + math.exp(-10 * step / max(steps, 1))) - 1)


def _half_cosine(share: float) -> float:
    return (1 - math.cos(math.pi * share)) / 2
