import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from tasks.common.determinism import deterministic
from tasks.probe.embedding_map import in_unit_square, map_embeddings, pca_projection, tsne_projection
from tests.toyhome import make_toy_home, toy_params


def clouds(crops=90, width=12):
    """Three far apart in twelve directions."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(crops, width)) + 8 * rng.normal(size=(3, width)).repeat(crops // 3, axis=0)


def test_pca_projection_are_scikit_learns_but_for_the_axes_direction():
    features = clouds()
    places, held = pca_projection(features)
    pca = PCA(2, svd_solver="full").fit(features)
    assert np.abs(places) == pytest.approx(np.abs(pca.transform(features)), abs=1e-9)
    assert held == pytest.approx(pca.explained_variance_ratio_.sum())


def test_an_axis_does_not_turn_over_with_the_arithmetic():
    features = clouds()
    assert pca_projection(features)[0] == pytest.approx(pca_projection(features[:, ::-1].copy())[0], abs=1e-9)


def test_neighbours_stay_neighbours_and_a_seed_gives_the_same_places():
    features = clouds()
    pca, _ = pca_projection(features)
    places = tsne_projection(pca, features, seed=3)
    assert trustworthiness(features, places, n_neighbors=5) > 0.9
    assert (places == tsne_projection(pca, features, seed=3)).all()


def test_crops_of_one_feature_are_one_place():
    features = np.ones((6, 4))
    pca, held = pca_projection(features)
    assert held == 1
    assert (in_unit_square(tsne_projection(pca, features, seed=0)) == 0.5).all()


def test_places_fill_the_unit_square_in_one_scale():
    places = in_unit_square(np.array([[0.0, 10.0], [4.0, 12.0], [2.0, 11.0]]))
    assert places.tolist() == [[0.0, 0.25], [1.0, 0.75], [0.5, 0.5]]


def test_the_map_shows_the_same_text_crops_by_every_model(tmp_path):
    params = toy_params()
    home = make_toy_home(tmp_path, params=params)
    models = {name: home / "invariance" / name for name in ("erm", "conditional")}
    with deterministic(params.threads):
        found = map_embeddings(params, table=home / "table", models=models)
    assert len(found.rows) == 24 and set(found.rows["split"]) == {"test_unseen"}
    assert "Zxxx" not in set(found.rows["script"])
    assert {at.shape for by in found.places.values() for at in by.values()} == {(24, 2)}
    assert (found.places["erm"]["pca"] != found.places["conditional"]["pca"]).any()


def test_without_nuisance_labels_there_is_no_map(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.toyhome.STYLES", [None, None, None])
    params = toy_params()
    home = make_toy_home(tmp_path, params=params)
    with deterministic(params.threads):
        assert map_embeddings(params, table=home / "table", models={"erm": home / "invariance/erm"}) is None
