import torch

from tasks.common.determinism import derived_seed, deterministic


def test_the_block_pins_torch_and_puts_it_back():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    with deterministic(1, seed=7):
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
        first = torch.rand(3)
    with deterministic(1, seed=7):
        assert torch.equal(torch.rand(3), first)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), state)


def test_every_name_has_a_seed_of_its_own():
    seeds = [derived_seed(0, "a"), derived_seed(0, "b"), derived_seed(1, "a"), derived_seed(0, "a", 1)]
    assert len(set(seeds)) == 4
    assert all(0 <= seed < 2**62 for seed in seeds)
    assert derived_seed(0, "a") == seeds[0]
