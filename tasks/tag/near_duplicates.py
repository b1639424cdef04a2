"""Near-duplicates: crops whose perceptual hashes differ in few bits.

The hash is pHash (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010): the cosine
transform of the grey picture at 32 by 32, of which the 8 by 8 lowest frequencies are compared with their median.

A word may be anywhere in its crop, and most of the crop is blank background: hashes of whole crops would differ for one
word at two positions, and agree for two words on the same background. So each crop is first cut to its ink, the box of
the pixels that differ from the background by more than half of the largest difference. A photograph has no blank
background, and its box is nearly all of it.
"""

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from models.colour import LUMA

SIDE = 32  # pixels, after resizing
LOW = 8  # frequencies kept, in each direction
BATCH = 256  # pictures in memory as floats at a time
EDGES = 4_000_000  # pairs held before they are joined

Hashes = NDArray[np.uint64]


def hashes_of(pixels: NDArray[np.uint8]) -> Hashes:
    """64-bit hashes [rows] of pictures [rows, height, width], or [rows, height, width, 3] in colour."""
    parts = [_hash(_grey(pixels[start : start + BATCH])) for start in range(0, len(pixels), BATCH)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.rint(pixels @ np.array(LUMA, np.float32)).astype(np.uint8) if pixels.ndim == 4 else pixels


def _hash(grey: NDArray[np.uint8]) -> Hashes:
    top, bottom, left, right = _ink_box(grey)
    # Cropping, resizing and the transform are matrix products; they are multiplied into one for each direction.
    down, across = _transform(grey.shape[1], top, bottom), _transform(grey.shape[2], left, right)
    low = (down @ grey.astype(np.float32) @ across.transpose(0, 2, 1)).reshape(len(grey), LOW * LOW)
    # Rounded: otherwise the sign of rounding errors around 0 would decide a bit.
    low = np.round(low, 2)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def _ink_box(grey: NDArray[np.uint8]) -> tuple[NDArray[np.int64], ...]:
    """Top, bottom, left and right [rows] of each picture's ink, ends excluded; the whole picture if it has none."""
    edge = np.concatenate([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], axis=1)
    middle = edge.shape[1] // 2
    ground = np.partition(edge, middle, axis=1)[:, middle, None, None]
    apart = np.maximum(grey, ground) - np.minimum(grey, ground)
    most = apart.max(axis=(1, 2), keepdims=True)
    ink = apart >= most // 2 + (most > 0)
    ends = []
    for along in (ink.any(axis=2), ink.any(axis=1)):
        ends += [along.argmax(axis=1), along.shape[1] - along[:, ::-1].argmax(axis=1)]
    return tuple(ends)


def _transform(size: int, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float32]:
    """[rows, LOW, size]: crops a line of `size` pixels, resizes it to `SIDE` and takes its lowest frequencies."""
    ends, which = np.unique(first * (size + 1) + last, return_inverse=True)
    return np.stack([_transform_of(size, *divmod(int(end), size + 1)) for end in ends])[which]


@functools.lru_cache(maxsize=4096)
def _transform_of(size: int, start: int, stop: int) -> NDArray[np.float32]:
    # Area averaging: exact whether the line shrinks or grows.
    bounds = np.linspace(start, stop, SIDE + 1)
    pixel = np.arange(size)
    shares = np.minimum(bounds[1:, None], pixel + 1) - np.maximum(bounds[:-1, None], pixel)
    means = np.maximum(shares, 0) * (SIDE / (stop - start))
    return dct(means, axis=0)[:LOW].astype(np.float32)


def near_clusters(hashes: Hashes, buckets: NDArray, *, bits: int) -> NDArray[np.int64]:
    """Cluster [rows] of each row, numbered from 0 by first appearance.

    Clusters are the connected components of pairs in one bucket whose hashes differ in at most `bits` of the 64.
    `buckets` [rows] holds anything that can be sorted.

    Exact: hashes that differ in at most `bits` bits agree in at least one of `bits` + 1 bands, and all pairs that agree
    in a band are compared.
    """
    if not len(hashes):
        return np.zeros(0, np.int64)
    bucket = np.unique(np.asarray(buckets), return_inverse=True)[1].ravel()
    # Equal hashes are merged first: only pairs that differ are compared.
    points = np.stack([bucket.astype(np.uint64), hashes.astype(np.uint64)], 1)
    unique, point_of = np.unique(points, axis=0, return_inverse=True)
    clusters = _joined(unique[:, 1], unique[:, 0], bits)[point_of.ravel()]
    _, first, number = np.unique(clusters, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number.ravel()].astype(np.int64)


def _joined(hashes: Hashes, buckets: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    labels = np.arange(len(hashes))
    held: list[NDArray[np.int64]] = []
    count = 0
    for band in range(bits + 1):
        for pairs in _pairs_of_band(hashes, buckets, band, bits):
            held.append(pairs)
            count += pairs.shape[1]
            if count > EDGES:
                labels, held, count = _connect(labels, held), [], 0
    return _connect(labels, held)


def _pairs_of_band(hashes: Hashes, buckets: NDArray[np.uint64], band: int, bits: int) -> Iterator[NDArray[np.int64]]:
    """Near pairs [2, pairs] of rows that agree in every (bits + 1)-th bit, from bit `band` on."""
    mask = np.uint64(sum(1 << place for place in range(band, 64, bits + 1)))
    value = hashes & mask
    order = np.lexsort((value, buckets))
    value, bucket, sorted_hashes = value[order], buckets[order], hashes[order]
    starts = np.flatnonzero(np.r_[True, (value[1:] != value[:-1]) | (bucket[1:] != bucket[:-1])])
    ends = np.repeat(np.r_[starts[1:], len(value)], np.diff(np.r_[starts, len(value)]))
    left = np.arange(len(value))
    step = 1
    while True:
        left = left[left + step < ends[left]]
        if not len(left):
            return
        near = np.bitwise_count(sorted_hashes[left] ^ sorted_hashes[left + step]) <= bits
        if near.any():
            yield np.stack([order[left[near]], order[left[near] + step]])
        step += 1


def _connect(labels: NDArray[np.int64], pairs: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    if not pairs:
        return labels
    ends = labels[np.concatenate(pairs, axis=1)]
    size = len(labels)
    graph = coo_array((np.ones(ends.shape[1], bool), (ends[0], ends[1])), shape=(size, size))
    return connected_components(graph, directed=False)[1].astype(np.int64)[labels]
