import itertools

from hypothesis import given
from hypothesis import strategies as st

from flows.plan import plan, topological, upstream_of

CHAIN = {
    "fonts": [],
    "words": [],
    "crops": ["fonts", "words"],
    "tag": ["crops", "fonts"],
    "baseline": ["tag"],
    "round@1": ["baseline", "tag"],
    "round@2": ["round@1", "tag"],
}


def test_nothing_stale_is_an_empty_plan():
    assert plan(set(), CHAIN) == []


def test_the_plan_is_the_frontier_and_what_follows_from_it():
    assert plan({"round@1"}, CHAIN) == ["round@1", "round@2"]
    assert plan({"words"}, CHAIN) == ["words", "crops", "tag", "baseline", "round@1", "round@2"]
    assert plan({"fonts", "round@2"}, CHAIN)[0] == "fonts"


def test_a_changed_stage_between_is_run_in_its_place():
    assert plan({"round@2", "crops"}, CHAIN) == ["crops", "tag", "baseline", "round@1", "round@2"]


def test_upstream_is_near_and_far():
    assert upstream_of("tag", CHAIN) == {"crops", "fonts", "words"}
    assert upstream_of("fonts", CHAIN) == set()


@st.composite
def graphs(draw):
    names = [f"s{number}" for number in range(draw(st.integers(1, 8)))]
    graph = {
        name: draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        for place, name in enumerate(names)
    }
    order = draw(st.permutations(names))
    return {name: graph[name] for name in order}, draw(st.sets(st.sampled_from(names)))


@given(graphs())
def test_any_plan_is_ordered_complete_and_no_larger_than_needed(case):
    graph, frontier = case
    order = plan(frontier, graph)
    assert set(order) == {name for name in graph if frontier & ({name} | upstream_of(name, graph))}
    for before, after in itertools.combinations(order, 2):
        assert after not in upstream_of(before, graph)
    assert sorted(topological(graph)) == sorted(graph)
