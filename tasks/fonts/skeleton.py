"""The strokes that a pen would walk to write a glyph: the medial axis of its outline, cleaned.

Near a crossing the axis bends towards the corners; there it is cut, and arms that go on straight are joined, as a hand
would write them. Lengths are in thousandths of the em.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.fonts.contours import Points, area_of, inside, length_around
from tasks.fonts.medial_axis import Arm, Numbers, medial_axis

ROUND = 0.72  # rounder areas without a hole are dots: a disc is 1, a square 0.79, a bar twice as long as wide 0.70
SPUR = 0.7  # of the radius at its start: a free arm that goes no further beyond the disc there is no stroke
CROSSING = 1.0  # of the radius: arms between two branchings that are shorter are one crossing
STRAIGHT = 0.7  # cosine: arms that turn less than 45° at a crossing are one stroke

End = tuple[int, int]  # an arm's number, and 0 for its first or -1 for its last point


@dataclass(frozen=True, eq=False)
class Stroke:
    """A line that the pen walks; a dot has one point.

    `points` [n, 2]; `radius` [n], half the source's width there; `free`, whether the first and last point are ends of
    the ink, not of a branch; `closed` a ring, whose last point is its first.
    """

    points: Points
    radius: Numbers
    free: tuple[bool, bool] = (True, True)
    closed: bool = False


def strokes_of(rings: Sequence[Points]) -> list[Stroke]:
    """The strokes of a filled outline, whose closed contours `rings` [n, 2] have ink on their left and never cross."""
    parts = sorted(_parts(medial_axis(rings)), key=_size, reverse=True)
    strokes: list[Stroke] = []
    for ring in rings:
        if area_of(ring) > 0:
            # The axis of one area is connected: what comes apart of it is the end of a pruned line.
            part = next((part for part in parts if inside([ring], part[0].points[:1])[0]), None)
            is_dot = part is None or (roundness(ring) > ROUND and not _has_hole(ring, rings))
            strokes += [_dot(ring)] if is_dot else _joined(_without_spurs(part or []))
    return strokes


def _size(part: Sequence[Arm]) -> float:
    return sum(arm.length() for arm in part)


def roundness(ring: Points) -> float:
    """Area within a contour, of that of a circle as long as it."""
    return 4 * float(np.pi) * area_of(ring) / length_around(ring) ** 2


def _has_hole(ring: Points, rings: Sequence[Points]) -> bool:
    return any(area_of(hole) < 0 and inside([ring], hole[:1])[0] for hole in rings)


def _dot(ring: Points) -> Stroke:
    middle = (ring.min(axis=0, keepdims=True) + ring.max(axis=0, keepdims=True)) / 2
    return Stroke(middle, np.array([np.sqrt(area_of(ring) / np.pi)]))


def _parts(arms: Sequence[Arm]) -> list[list[Arm]]:
    """The arms by connected part."""
    part_of: dict[int, list[Arm]] = {}
    for arm in arms:
        one, other = (part_of.get(node, []) for node in arm.nodes)
        part = [*one, *(other if other is not one else []), arm]
        part_of.update({node: part for each in part for node in each.nodes})
    return list({id(part): part for part in part_of.values()}.values())


def _ends_at(arms: Sequence[Arm]) -> dict[int, list[End]]:
    """Node → the ends of arms there."""
    ends: dict[int, list[End]] = {}
    for number, arm in enumerate(arms):
        for side in (0, -1):
            ends.setdefault(arm.nodes[side], []).append((number, side))
    return ends


def _without_spurs(arms: Sequence[Arm]) -> list[Arm]:
    """The arms without the short free ones: corners, serifs and bumps of the outline."""
    kept = list(arms)
    while True:
        ends = _ends_at(kept)
        spurs = {}
        for number, arm in enumerate(kept):
            degrees = [len(ends[node]) for node in arm.nodes]
            if min(degrees) == 1 and max(degrees) > 2:
                start = degrees.index(max(degrees)) * -1
                beyond = arm.length() + arm.radius[-1 - start] - arm.radius[start]
                if beyond < SPUR * arm.radius[start]:
                    spurs[number] = beyond
        if not spurs:
            return kept
        del kept[min(spurs, key=lambda number: spurs[number])]
        kept = _through(kept)


def _through(arms: list[Arm]) -> list[Arm]:
    """The arms, with two that meet at a node of no others made one."""
    for ends in _ends_at(arms).values():
        if len(ends) == 2 and ends[0][0] != ends[1][0]:
            one, other = (_towards(arms[number], side) for number, side in ends)
            whole = Arm(
                np.concatenate([one.points, other.points[-2::-1]]),
                np.concatenate([one.radius, other.radius[-2::-1]]),
                (one.nodes[0], other.nodes[0]),
            )
            return _through([arm for number, arm in enumerate(arms) if number not in dict(ends)] + [whole])
    return arms


def _towards(arm: Arm, side: int) -> Arm:
    """The arm, walked so that its end on `side` is its last."""
    return arm if side == -1 else Arm(arm.points[::-1], arm.radius[::-1], arm.nodes[::-1])


def _joined(arms: Sequence[Arm]) -> list[Stroke]:
    """The strokes of one part: at each crossing arms are cut back, and paired with those that go on straight."""
    crossings, arms = _crossings(arms)
    places: dict[End, Points] = {}  # where an end is led to: the crossing's middle, or the stroke that it meets
    partner: dict[End, End] = {}
    cut = list(arms)
    for ends in crossings:
        centre = np.mean([arms[number].points[side] for number, side in ends], axis=0)
        reach = max(arms[number].radius[side] for number, side in ends)
        for number, side in ends:
            cut[number] = _cut(cut[number], side, centre, reach)
        pairs = _pairs(cut, ends, reach)
        for one, other in pairs:
            partner |= {one: other, other: one}
        lines = [[cut[number].points[side] for number, side in pair] for pair in pairs]
        for number, side in ends:
            if (number, side) not in partner:
                places[number, side] = _meeting(cut[number], side, lines, centre, reach)
    return _chained(cut, partner, places)


def _crossings(arms: Sequence[Arm]) -> tuple[list[list[End]], list[Arm]]:
    """The ends of arms that meet at each crossing, and the arms left: those within one crossing are gone."""
    ends = _ends_at(arms)
    name = {node: node for node in ends}
    left = []
    for arm in sorted(arms, key=Arm.length):
        one, other = (name[node] for node in arm.nodes)
        branches = all(len(ends[node]) > 2 for node in arm.nodes)
        if branches and arm.length() < CROSSING * max(arm.radius[0], arm.radius[-1]):
            name = {node: one if now == other else now for node, now in name.items()}
        else:
            left.append(arm)
    found: dict[int, list[End]] = {}
    for node, here in _ends_at(left).items():
        found.setdefault(name[node], []).extend(here)
    return [here for here in found.values() if len(here) > 2], left


def _cut(arm: Arm, side: int, centre: Points, reach: float) -> Arm:
    """The arm without its points within the crossing's disc; two points are kept."""
    way = _towards(arm, -1 - side)
    outside = np.flatnonzero(np.hypot(*(way.points - centre).T) > reach)
    start = min(int(outside[0]) if len(outside) else len(way.points), len(way.points) - 2)
    short = Arm(way.points[start:], way.radius[start:], way.nodes)
    return _towards(short, -1 - side)


def _direction(arm: Arm, side: int, over: float) -> Points:
    """Unit vector from the arm's end into the arm, over a distance."""
    points = _towards(arm, -1 - side).points
    far = np.hypot(*(points - points[0]).T)
    beyond = np.flatnonzero(far > over)
    away = points[beyond[0] if len(beyond) else -1] - points[0]
    return np.asarray(away / max(float(np.hypot(*away)), 1e-9))


def _pairs(arms: Sequence[Arm], ends: Sequence[End], reach: float) -> list[tuple[End, End]]:
    directions = {end: _direction(arms[end[0]], end[1], reach) for end in ends}
    turns = {pair: float(directions[pair[0]] @ directions[pair[1]]) for pair in itertools.combinations(ends, 2)}
    pairs: list[tuple[End, End]] = []
    for pair in sorted(turns, key=lambda pair: turns[pair]):
        if turns[pair] < -STRAIGHT and not any(end in done for done in pairs for end in pair):
            pairs.append(pair)
    return pairs


def _meeting(arm: Arm, side: int, lines: Iterable[list[Points]], centre: Points, reach: float) -> Points:
    """Where an arm that ends at a crossing meets the nearest of the strokes through it."""
    start, towards = arm.points[side], -_direction(arm, side, reach)
    met = [centre]
    for one, other in lines:
        along = other - one
        across = towards[0] * along[1] - towards[1] * along[0]
        gap = one - start
        part = (gap[0] * towards[1] - gap[1] * towards[0]) / across if abs(across) > 1e-6 else 0.5
        met.append(one + min(max(part, 0.0), 1.0) * along)
    return min(met[1:] or met, key=lambda place: float(np.hypot(*(place - start))))


def _chained(arms: Sequence[Arm], partner: dict[End, End], places: dict[End, Points]) -> list[Stroke]:
    """Strokes of arms that are partners end to end, led at their own ends to `places`."""
    strokes = []
    done: set[int] = set()
    every = [(number, side) for number in range(len(arms)) for side in (0, -1)]
    for first in sorted(every, key=lambda end: end in partner):  # rings of partners last
        if first[0] in done:
            continue
        chain, last, end = [], first, first
        while end[0] not in done:
            done.add(end[0])
            chain.append(_towards(arms[end[0]], -1 - end[1]))
            last = (end[0], -1 - end[1])
            end = partner.get(last, last)
        alone = len(chain) == 1 and chain[0].nodes[0] == chain[0].nodes[1] and first not in places
        strokes.append(_stroke(chain, places.get(first), places.get(last), closed=alone or first in partner))
    return strokes


def _stroke(chain: Sequence[Arm], before: Points | None, after: Points | None, *, closed: bool) -> Stroke:
    points, radius = [arm.points for arm in chain], [arm.radius for arm in chain]
    if before is not None:
        points, radius = [before[None], *points], [radius[0][:1], *radius]
    if closed:
        after = chain[0].points[0]
    if after is not None:
        points, radius = [*points, after[None]], [*radius, radius[-1][-1:]]
    free = before is None and not closed, after is None and not closed
    return Stroke(np.concatenate(points), np.concatenate(radius), free, closed)
