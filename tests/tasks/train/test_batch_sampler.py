import numpy as np
import pytest
import torch

from tasks.train.batch_sampler import batches_in, epoch_batches

LABELS = torch.tensor([0] * 90 + [1] * 9 + [2])
NONE = torch.zeros(100, dtype=torch.bool)


def drawn(mined: torch.Tensor = NONE, labels: torch.Tensor = LABELS, **settings) -> list[torch.Tensor]:
    return epoch_batches(labels, mined, **{"batch": 20, "seed": 1, "epoch": 2, **settings})


def visits(batches: list[torch.Tensor]) -> np.ndarray:
    return np.bincount(torch.cat(batches).numpy(), minlength=100)


@pytest.mark.parametrize(("rows", "sizes"), [(100, {33, 34}), (32, {32}), (33, {16, 17}), (3, {3}), (2, {2})])
def test_an_epoch_visits_every_row_once_in_even_batches(rows: int, sizes: set[int]):
    labels, mined = torch.zeros(rows, dtype=torch.int64), torch.zeros(rows, dtype=torch.bool)
    batches = epoch_batches(labels, mined, batch=40 if rows == 100 else 32, seed=1, epoch=2)
    assert {len(batch) for batch in batches} == sizes
    assert sorted(torch.cat(batches).tolist()) == list(range(rows))


def test_another_epoch_or_seed_is_another_order():
    assert torch.equal(torch.cat(drawn()), torch.cat(drawn()))
    assert not torch.equal(torch.cat(drawn()), torch.cat(drawn(epoch=3)))
    assert not torch.equal(torch.cat(drawn()), torch.cat(drawn(seed=2)))


def test_a_batch_has_two_rows_at_the_least():
    assert batches_in(3, 2) == 1
    assert batches_in(1, 8) == 1


def test_balanced_batches_draw_every_label_equally_often():
    counts = np.bincount(LABELS[torch.cat(drawn(balanced=True))].numpy())
    assert counts.sum() == 100
    assert counts.max() - counts.min() <= 1
    of_rows = visits(drawn(balanced=True))
    assert of_rows[99] >= 33 and of_rows[:90].max() == 1  # the one row of a label again and again


def test_mined_rows_fill_their_share_of_every_batch():
    mined = NONE.clone()
    mined[:10] = True
    batches = drawn(mined, hard=0.25, visits=8)
    assert [int(mined[batch].sum()) for batch in batches] == [5] * 5
    assert {len(batch) for batch in batches} == {20}
    assert set(visits(batches)[:10]) == {2, 3}
    assert visits(batches)[10:].max() == 1  # of the others an epoch visits fewer


def test_few_mined_rows_are_not_visited_more_often_than_told():
    mined = NONE.clone()
    mined[[3, 99]] = True
    assert visits(drawn(mined, hard=0.5, visits=8))[[3, 99]].tolist() == [8, 8]


def test_many_mined_rows_are_all_visited_though_they_exceed_their_share():
    mined = NONE.clone()
    mined[:60] = True
    assert (visits(drawn(mined, hard=0.1, visits=8)) == 1).all()
    everything = ~NONE
    assert (visits(drawn(everything, hard=0.1)) == 1).all()


def test_the_share_and_the_balance_go_together():
    mined = NONE.clone()
    mined[:10] = True
    rows = torch.cat(drawn(mined, hard=0.4, visits=8, balanced=True))
    others = LABELS[rows[~mined[rows]]]
    assert int(mined[rows].sum()) == 40
    assert np.bincount(others.numpy()).tolist() == [20, 20, 20]


def test_without_mined_rows_a_share_changes_nothing():
    assert torch.equal(torch.cat(drawn(hard=0.3, visits=8)), torch.cat(drawn()))


def with_partners(share: float, seed: int = 0) -> torch.Tensor:
    """Numbers of pairs for a hundred rows, of which so many are paired, two and two at random."""
    rows = torch.randperm(100, generator=torch.Generator().manual_seed(seed))[: 2 * int(50 * share)]
    pairs = torch.full((100,), -1)
    pairs[rows] = torch.arange(len(rows)) // 2 + 7
    return pairs


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_partners_share_a_batch_and_every_row_is_visited_once(share: float):
    pairs = with_partners(share)
    batches = drawn(pairs=pairs)
    assert (visits(batches) == 1).all()
    assert {len(batch) for batch in batches} == {20}
    held = [pairs[batch][pairs[batch] >= 0].unique(return_counts=True)[1].tolist() for batch in batches]
    assert all(sizes == [2] * len(sizes) for sizes in held)
    assert max(map(len, held)) - min(map(len, held)) <= 1


@pytest.mark.parametrize("rows", [3, 15, 33, 100])
def test_batches_stay_even_where_all_rows_have_partners(rows: int):
    labels, mined = torch.zeros(rows, dtype=torch.int64), torch.zeros(rows, dtype=torch.bool)
    batches = epoch_batches(labels, mined, batch=3, seed=1, epoch=2, pairs=torch.arange(rows) // 2)
    sizes = [len(batch) for batch in batches]
    assert sorted(torch.cat(batches).tolist()) == list(range(rows))
    assert max(sizes) - min(sizes) <= 2 and min(sizes) >= 2


def test_a_partner_that_is_not_there_is_no_matter():
    pairs = torch.full((100,), -1)
    pairs[4], pairs[[8, 99]] = 3, 5
    batches = drawn(pairs=pairs)
    assert (visits(batches) == 1).all()
    assert sum({8, 99} <= set(batch.tolist()) for batch in batches) == 1


@pytest.mark.parametrize("settings", [{"balanced": True}, {"hard": 0.4, "visits": 8}, {"hard": 0.4, "balanced": True}])
def test_partners_change_no_draw_only_its_batch(settings: dict):
    mined, pairs = NONE.clone(), torch.arange(100) // 2
    mined[:10] = True
    with_them, without = drawn(mined, pairs=pairs, **settings), drawn(mined, **settings)
    assert (visits(with_them) == visits(without)).all()
    of_mined = [[int(mined[batch].sum()) for batch in batches] for batches in (with_them, without)]
    if "hard" in settings:
        assert np.abs(np.subtract(*of_mined)).max() <= 1
    at_best = visits(with_them).reshape(50, 2).min(1).sum()
    met = sum(np.bincount(batch.numpy(), minlength=100).reshape(50, 2).min(1).sum() for batch in with_them)
    assert met == at_best > 0


def test_partners_are_dealt_by_seed_and_epoch():
    pairs = with_partners(0.5)
    assert torch.equal(torch.cat(drawn(pairs=pairs)), torch.cat(drawn(pairs=pairs)))
    assert not torch.equal(torch.cat(drawn(pairs=pairs)), torch.cat(drawn(pairs=pairs, epoch=3)))


def test_of_many_partners_two_and_two_meet_and_others_each_epoch():
    pairs = torch.arange(100) % 10  # ten groups of ten
    firsts = [drawn(pairs=pairs, epoch=epoch) for epoch in (0, 1)]
    for batches in firsts:
        assert (visits(batches) == 1).all() and {len(batch) for batch in batches} == {20}
        held = [np.bincount(pairs[batch].numpy(), minlength=10) for batch in batches]
        assert all((sizes % 2 == 0).all() and np.count_nonzero(sizes) > 3 for sizes in held)  # no batch of two groups
    assert not torch.equal(firsts[0][0].sort().values, firsts[1][0].sort().values)
