"""The medial axis of a glyph's outline: the lines in the middle of its strokes, with their distance to the outline.

Computed from the Voronoi diagram of points on the outline and pruned by residuals (Ogniewicz & Kübler 1995,
"Hierarchic Voronoi skeletons"): exact to the outline, with no grid of pixels whose steps must be smoothed away.
Lengths are in thousandths of the em.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import QhullError, Voronoi

from tasks.fonts.contours import Points, area_of, inside, length_around

STEP, LEAST, MOST = 0.6, 8.0, 40.0  # between points on the outline, in mean half widths; at least, at most
RESIDUAL = (
    0.8  # of the mean half width of strokes: axes into square corners have less than 0.6, along a stroke 2 and more
)

Numbers = NDArray[np.float64]  # [points]


@dataclass(frozen=True, eq=False)
class Arm:
    """A line of the axis from one node to the next: where it ends or branches, or, of a ring, where it starts.

    `points` [n, 2] and their distance `radius` [n] to the outline; `nodes` are the two nodes' numbers.
    """

    points: Points
    radius: Numbers
    nodes: tuple[int, int]

    def length(self) -> float:
        return length_of(self.points)


def length_of(points: Points) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def medial_axis(rings: Sequence[Points]) -> list[Arm]:
    """The axis of a filled outline, whose closed contours `rings` [n, 2] have ink on their left and never cross."""
    half_width = sum(map(area_of, rings)) / max(sum(map(length_around, rings)), 1e-9)
    apart = min(max(STEP * half_width, LEAST), MOST)
    found = [_sites_of_ring(ring, number, apart) for number, ring in enumerate(rings)]
    if sum(len(each.points) for each in found) < 8:
        return []
    sites = _Sites(*map(np.concatenate, zip(*found, strict=True)))
    try:
        diagram = Voronoi(sites.points)
    except QhullError:  # all points on one line: no ink
        return []
    ends = np.asarray(diagram.ridge_vertices)
    bounded = (ends >= 0).all(1)
    ends, (one, other) = ends[bounded], diagram.ridge_points[bounded].T
    points = diagram.vertices
    kept = _residual(sites, one, other) > RESIDUAL * half_width
    ends, one = ends[kept], one[kept]
    near, edges = np.unique(ends, return_inverse=True)
    within = inside(rings, points[near])
    radius = np.zeros(len(near))
    radius[edges] = np.hypot(*(points[ends] - sites.points[one][:, None]).transpose(2, 0, 1))
    # Points on a circle make corners of the diagram that are one, and pieces between these that are none or double.
    edges = np.unique(np.sort(edges[within[edges].all(1)]), axis=0)
    return _arms(points[near], radius, edges[edges[:, 0] < edges[:, 1]])


class _Sites(NamedTuple):
    """Points on the outline; their places along their rings, and the rings' lengths and numbers."""

    points: Points
    place: Numbers
    around: Numbers
    ring: NDArray[np.int64]


def _sites_of_ring(ring: Points, number: int, apart: float) -> _Sites:
    whole = np.concatenate([ring, ring[:1]])
    place = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(whole, axis=0).T))])
    count = max(3, math.ceil(place[-1] / apart))
    at = (np.arange(count) + 0.5) * place[-1] / count
    points = np.stack([np.interp(at, place, column) for column in whole.T], 1)
    return _Sites(points, at, np.full(count, place[-1]), np.full(count, number))


def _residual(sites: _Sites, one: NDArray[np.int64], other: NDArray[np.int64]) -> Numbers:
    """How much longer the way along the outline between two sites is than the straight one; between rings, endless."""
    apart = abs(sites.place[one] - sites.place[other])
    along = np.minimum(apart, sites.around[one] - apart)
    along[sites.ring[one] != sites.ring[other]] = np.inf
    return np.asarray(along - np.hypot(*(sites.points[one] - sites.points[other]).T))


def _arms(points: Points, radius: Numbers, edges: NDArray[np.int64]) -> list[Arm]:
    near: dict[int, list[int]] = {}
    for one, other in edges.tolist():
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    nodes = [point for point, others in near.items() if len(others) != 2]
    walked: set[int] = set(nodes)
    arms = []
    for start in [*nodes, *near]:  # rings without a node come last
        is_node = len(near[start]) != 2
        for first in near[start] if is_node else near[start][:1]:
            # An arm between two neighbouring nodes is walked from the first of them only.
            if first in walked and (not is_node or len(near[first]) == 2 or first < start):
                continue
            if start in walked and not is_node:
                continue
            path = _walk(near, start, first)
            walked.update(path)
            arms.append(Arm(points[path], radius[path], (path[0], path[-1])))
    return arms


def _walk(near: dict[int, list[int]], start: int, first: int) -> list[int]:
    """From `start` through `first` to the next node, or around the ring."""
    path = [start, first]
    while len(near[path[-1]]) == 2 and path[-1] != start:
        one, other = near[path[-1]]
        path.append(other if one == path[-2] else one)
    return path
