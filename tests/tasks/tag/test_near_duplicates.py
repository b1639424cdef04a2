"""Near-duplicates: the hash is pHash, and clusters are exactly what all pairs give."""

import imagehash
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tasks.tag.near_duplicates import hashes_of, near_clusters


def word(text: str, *, left: int = 8, top: int = 6, size: int = 18) -> NDArray[np.uint8]:
    image = Image.new("L", (128, 32), 255)
    ImageDraw.Draw(image).text((left, top), text, font=ImageFont.load_default(size), fill=0)
    return np.asarray(image)


def smooth(seed: int) -> NDArray[np.uint8]:
    """A picture that fills its frame: dark and light corners, so that nothing is cut."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 6)).astype(np.uint8)
    pixels = np.array(Image.fromarray(small).resize((60, 64), Image.Resampling.BICUBIC))
    pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1] = 0, 0, 0, 0
    pixels[::63, ::59] = 255
    return pixels


def distance(one: np.uint64, two: np.uint64) -> int:
    return int(np.bitwise_count(one ^ two))


def test_the_hash_is_the_one_of_imagehash_but_for_the_way_of_resizing() -> None:
    pictures = [smooth(seed) for seed in range(20)]
    hashes = hashes_of(np.stack(pictures))
    for pixels, ours in zip(pictures, hashes, strict=True):
        theirs = np.packbits(imagehash.phash(Image.fromarray(pixels)).hash.ravel()).view(">u8")[0]
        assert distance(ours, theirs.astype(np.uint64)) <= 4


def test_a_word_has_its_hash_wherever_it_stands() -> None:
    left, right = hashes_of(np.stack([word("window"), word("window", left=41, top=3)]))
    assert left == right


def test_another_word_has_another_hash() -> None:
    hashes = hashes_of(np.stack([word(text) for text in ("window", "minimum", "Ararat", "pool")]))
    assert min(distance(hashes[a], hashes[b]) for a in range(4) for b in range(a)) > 10


def test_light_on_dark_is_cut_to_its_ink_too() -> None:
    dark = 255 - word("window")
    moved = 255 - word("window", left=33)
    assert len(set(hashes_of(np.stack([dark, moved])).tolist())) == 1


def test_little_noise_and_colour_leave_the_hash_nearly_as_it_is() -> None:
    clean = word("window")
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 6, clean.shape), 0, 255).astype(np.uint8)
    one, two = hashes_of(np.stack([clean, noisy]))
    assert distance(one, two) <= 3
    assert hashes_of(np.repeat(clean[None, ..., None], 3, axis=3))[0] == one


@pytest.mark.parametrize("value", [0, 97, 255])
def test_a_blank_picture_has_a_hash_and_always_the_same(value: int) -> None:
    blank = np.full((3, 32, 128), value, np.uint8)
    assert len(set(hashes_of(blank).tolist())) == 1


def test_batches_change_nothing() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (1500, 16, 24)).astype(np.uint8)
    assert (hashes_of(pixels)[1000:] == hashes_of(pixels[1000:])).all()
    assert hashes_of(pixels[:0]).shape == (0,)


def near_by_brute_force(hashes: NDArray[np.uint64], buckets: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Clusters by walking over all pairs, numbered as they first appear."""
    near = (np.bitwise_count(hashes[:, None] ^ hashes[None]) <= bits) & (buckets[:, None] == buckets[None])
    clusters = np.full(len(hashes), -1)
    for start in range(len(hashes)):
        if clusters[start] < 0:
            number, left = clusters.max() + 1, [start]
            while left:
                row = left.pop()
                if clusters[row] < 0:
                    clusters[row] = number
                    left += np.flatnonzero(near[row]).tolist()
    return clusters


@pytest.mark.parametrize("bits", [0, 1, 3, 7, 16])
def test_clusters_are_those_of_all_pairs(bits: int) -> None:
    random = np.random.default_rng(bits)
    seeds = random.integers(0, 2**64, 60, np.uint64)
    flips = np.uint64(1) << random.integers(0, 64, (600, 5), np.uint64)
    kept = np.where(random.random((600, 5)) < 0.4, flips, np.uint64(0))
    hashes = seeds[random.integers(0, 60, 600)] ^ np.bitwise_xor.reduce(kept, axis=1)
    buckets = random.integers(0, 4, 600)
    assert (near_clusters(hashes, buckets, bits=bits) == near_by_brute_force(hashes, buckets, bits)).all()


def test_buckets_may_be_words_and_rows_may_be_none() -> None:
    hashes = np.array([5, 5, 5], np.uint64)
    assert near_clusters(hashes, np.array(["Latn a", "Latn b", "Latn a"]), bits=3).tolist() == [0, 1, 0]
    assert near_clusters(hashes[:0], np.zeros(0), bits=3).shape == (0,)


def test_many_pairs_are_joined_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.random.default_rng(2).integers(0, 64, 400).astype(np.uint64)
    buckets = np.zeros(400, np.int64)
    at_once = near_clusters(hashes, buckets, bits=2)
    monkeypatch.setattr("tasks.tag.near_duplicates.EDGES", 10)
    assert (near_clusters(hashes, buckets, bits=2) == at_once).all()
