"""The confidence interval of a share of few crops."""

import math

from scipy.special import ndtri


def wilson_interval(hits: int, n: int, *, confidence: float) -> tuple[float, float] | None:
    """Wilson's score interval of the share hits / n (Wilson 1927, J. Am. Stat. Assoc. 22); None of n = 0.

    It stays within 0 to 1 and holds for few crops and for shares near 0 and 1, where a share ± its standard error
    does not. It assumes independent crops. Those of one design are alike, so accuracy on other designs varies by more
    than this interval: `tasks.metrics.group_bootstrap` resamples designs.

    Args:
        confidence: of the interval, above 0, below 1.
    """
    if n == 0:
        return None
    z = float(ndtri((1 + confidence) / 2))
    share, shrink = hits / n, 1 + z * z / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / shrink), min(1.0, (centre + half) / shrink)
