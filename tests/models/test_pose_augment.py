"""Augmentations of heads: what they move, what they leave, and the pose in the mirror."""

import torch

from models.pose_augment import AUGMENTATIONS, SHIFT, augment

MIRRORED = torch.tensor([1, 0, 2])


def augmented(name: str, images: torch.Tensor, poses: torch.Tensor, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return augment(images, poses, [name], mirrored=MIRRORED, generator=generator)


def some(count: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    return torch.rand(count, 1, 20, 24, generator=generator), torch.arange(count) % 3


def test_each_keeps_shape_and_range_and_follows_from_its_generator():
    images, poses = some()
    for name in AUGMENTATIONS:
        found, shown = augmented(name, images, poses)
        assert found.shape == images.shape and found.min() >= 0 and found.max() <= 1
        assert not torch.equal(found, images)
        assert torch.equal(found, augmented(name, images, poses)[0])
        if name != "mirror":
            assert torch.equal(shown, poses)


def test_a_mirrored_picture_has_the_mirrored_pose():
    images, poses = some()
    found, shown = augmented("mirror", images, poses)
    turned = torch.tensor([torch.equal(one, before.flip(2)) for one, before in zip(found, images, strict=True)])
    assert 0 < int(turned.sum()) < len(images)
    assert torch.equal(found[~turned], images[~turned])
    assert torch.equal(shown, torch.where(turned, MIRRORED[poses], poses))


def test_a_shift_moves_a_dot_by_no_more_than_it_may():
    images = torch.zeros(64, 1, 41, 41)
    images[:, :, 20, 20] = 1
    found, _ = augmented("shifts", images, torch.zeros(64, dtype=torch.int64))
    rows, columns = torch.meshgrid(torch.arange(41.0), torch.arange(41.0), indexing="ij")
    weight = found[:, 0] / found[:, 0].sum((1, 2), keepdim=True)
    middles = torch.stack([(weight * rows).sum((1, 2)), (weight * columns).sum((1, 2))], dim=1) - 20
    assert middles.abs().max() <= SHIFT * 41 + 1e-3
    assert middles.std(0).min() > 1


def test_a_background_changes_what_is_far_from_the_head_and_not_the_head():
    images = torch.arange(32.0)[:, None, None, None].expand(32, 1, 20, 24) / 32
    found, _ = augmented("background", images, torch.zeros(32, dtype=torch.int64))
    assert torch.equal(found[:, :, 8, 12], images[:, :, 8, 12])
    corners = found[:, 0, 19, 0]
    assert not torch.equal(corners, images[:, 0, 19, 0])
    assert torch.equal(corners.sort().values, images[:, 0, 19, 0])


def test_a_crop_enlarges_what_is_around_the_head():
    images = torch.zeros(64, 1, 40, 40)
    images[:, :, 14:20, 17:23] = 1
    found, _ = augmented("crops", images, torch.zeros(64, dtype=torch.int64))
    area = found.sum((1, 2, 3)) / 36
    assert area.min() > 0.95 and 1.8 < area.max() < 1 / 0.65**2 + 0.1
