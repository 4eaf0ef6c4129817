"""Labels in a matrix of distances: closed forms, scikit-learn, planted labels."""

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from popnet.analysis.label_geometry import (
    decoded_share,
    label_test,
    row_distances,
    separation,
    silhouette,
    silhouettes,
)

# four networks on a line, two of each label, at 0, 1 and 4, 6
LINE = np.abs(np.subtract.outer([0.0, 1.0, 4.0, 6.0], [0.0, 1.0, 4.0, 6.0]))
PAIRS = ["a", "a", "b", "b"]


def cloud(seed, apart=0.0, per_label=12, labels=3):
    """Distances of points in five dimensions, labels ``apart``, in mixed order."""
    random = np.random.default_rng(seed)
    label = random.permutation(np.repeat(np.arange(labels), per_label))
    points = random.standard_normal((len(label), 5))
    points[:, 0] += apart * label
    return cdist(points, points), label


def test_four_networks_by_hand():
    found = separation(LINE, PAIRS)
    assert found.labels_G.tolist() == ["a", "b"]
    assert found.within_G.tolist() == [1.0, 2.0]
    assert (found.within, found.between) == (1.5, (4 + 6 + 3 + 5) / 4)
    assert found.ratio == pytest.approx(1.5 / 4.5)
    expected = [1 - 1 / 5, 1 - 1 / 4, 1 - 2 / 3.5, 1 - 2 / 5.5]
    assert silhouettes(LINE, PAIRS) == pytest.approx(expected)
    assert decoded_share(LINE, PAIRS) == 1.0
    assert decoded_share(LINE, ["a", "b", "b", "b"]) == 0.5
    # 2 and 0 are equally near to 1: half of its neighbours are of its label
    even = np.abs(np.subtract.outer([0.0, 1.0, 2.0], [0.0, 1.0, 2.0]))
    assert decoded_share(even, ["a", "a", "b"]) == pytest.approx((1 + 0.5 + 0) / 3)


@pytest.mark.parametrize("apart", [0.0, 1.5])
def test_silhouettes_are_scikit_learn_s(apart):
    metrics = pytest.importorskip("sklearn.metrics")
    distance, label = cloud(1, apart)
    label[0] = 7  # a label of its own
    theirs = metrics.silhouette_samples(distance, label, metric="precomputed")
    assert silhouettes(distance, label) == pytest.approx(theirs, abs=1e-12)
    # as coded by McMahan et al.: the matrix's rows taken for coordinates
    rows = metrics.silhouette_score(distance, label)
    assert silhouette(row_distances(distance), label) == pytest.approx(rows, abs=1e-9)
    assert abs(rows - theirs.mean()) > 1e-3


@pytest.mark.parametrize("apart", [0.0, 1.5])
def test_the_nearest_neighbour_is_scikit_learn_s(apart):
    neighbors = pytest.importorskip("sklearn.neighbors")
    model_selection = pytest.importorskip("sklearn.model_selection")
    distance, label = cloud(2, apart)
    guess = model_selection.cross_val_predict(
        neighbors.KNeighborsClassifier(1, metric="precomputed"), distance, label,
        cv=model_selection.LeaveOneOut(),
    )  # fmt: skip
    assert decoded_share(distance, label) == pytest.approx((guess == label).mean())


def test_pairs_one_by_one_give_the_same_separation():
    distance, label = cloud(3, 0.7)
    within, between = [], []
    for i, j in combinations(range(len(label)), 2):
        (within if label[i] == label[j] else between).append(distance[i, j])
    found = separation(distance, label)
    assert found.within == pytest.approx(np.mean(within))
    assert found.between == pytest.approx(np.mean(between))


def test_order_and_names_and_units_do_not_matter():
    distance, label = cloud(4, 0.7)
    order = np.random.default_rng(0).permutation(len(label))
    named = np.array(["c", "a", "b"])[label]
    other = 3.0 * distance[order][:, order]
    for about in (silhouette, decoded_share, lambda d, k: separation(d, k).ratio):
        assert about(other, named[order]) == pytest.approx(about(distance, label))


def test_planted_labels_are_found_and_shuffled_ones_are_not():
    distance, label = cloud(5, apart=4.0)
    found = label_test(distance, label, draws=400)
    assert found.p == 1 / 401 and found.ratio < 0.8
    assert silhouette(distance, label) > 0.2 and decoded_share(distance, label) > 0.8


def test_without_an_effect_p_values_are_uniform():
    """60 draws of labels: 4 standard errors of the mean of a uniform number."""
    p = [label_test(*cloud(s, per_label=5), draws=99, seed=s).p for s in range(60)]
    assert abs(np.mean(p) - 0.505) < 4 * np.sqrt(1 / 12 / 60)
    assert min(p) < 0.15 and max(p) > 0.85


def test_what_sets_blocks_apart_is_not_the_label_s():
    """Labels follow blocks that lie far apart: shuffled within these, nothing is left.

    And a label that holds within each block is found however far apart blocks lie.
    """
    random = np.random.default_rng(6)
    block = np.repeat([0, 1, 2, 3], 10)
    confounded = np.where(random.random(40) < 0.85, block % 2, 1 - block % 2)
    points = random.standard_normal((40, 3)) + 9.0 * (block % 2)[:, None]
    distance = cdist(points, points)
    assert label_test(distance, confounded, draws=400).p < 0.01
    assert label_test(distance, confounded, block, draws=400).p > 0.05
    within = np.tile([0, 1], 20)
    points[:, 1] += 2.5 * within
    distance = cdist(points, points)
    assert label_test(distance, within, draws=400).p > 0.01
    assert label_test(distance, within, block, draws=400).p == 1 / 401


def test_labels_stay_in_their_blocks():
    """Three places for the odd one of each of two blocks: nine arrangements, not 20."""
    distance, _ = cloud(7, per_label=2)
    block, label = [0, 0, 0, 1, 1, 1], list("aabbba")
    order = [4, 0, 3, 1, 5, 2]  # blocks side by side are no special case
    distance, block = distance[order][:, order], np.array(block)[order]
    found = label_test(distance, np.array(label)[order], block, draws=300)
    assert len(np.unique(found.shuffled_R.round(9))) == 9


def test_what_is_not_defined_is_nan():
    lost = LINE.copy()
    lost[0, 1] = lost[1, 0] = np.nan
    assert np.isnan(silhouette(lost, PAIRS)) and np.isnan(decoded_share(lost, PAIRS))
    assert np.isnan(separation(lost, PAIRS).ratio)
    assert np.isnan(label_test(lost, PAIRS, draws=3).p)
    assert np.isnan(silhouette(LINE, ["a"] * 4))
    assert np.isnan(separation(LINE, list("abcd")).within)
    with pytest.raises(ValueError, match="square"):
        silhouette(LINE[:2], PAIRS)


PUBLISHED = {
    # N: networks of BPTT and GA; within both, between; silhouettes of rows and of the
    # distances; within / between; share decoded
    1: (24, 25, 0.0109, 0.0065, 0.0126, 0.354, 0.291, 0.681, 0.857),
    2: (24, 24, 0.0274, 0.0550, 0.0492, 0.164, 0.176, 0.838, 0.729),
    3: (63, 63, 0.2651, 0.1556, 0.2837, 0.201, 0.244, 0.741, 0.810),
    4: (60, 61, 0.3696, 0.3561, 0.4307, 0.084, 0.151, 0.842, 0.835),
    5: (59, 60, 0.4088, 0.4591, 0.5183, 0.113, 0.158, 0.838, 0.874),
    6: (49, 49, 0.4331, 0.5234, 0.5736, 0.147, 0.163, 0.834, 0.939),
}
RELEASED = "POPNET_MCMAHAN_DISTANCES"


@pytest.mark.parametrize("contexts", PUBLISHED)
def test_the_authors_released_distances(contexts):
    """The figures that were computed from them by other code.

    bmcmahan2016/RNN_Learning_Rules, distances.npy of commit f43a0e8: the networks of
    BPTT and GA by turns, N = 1 to 6.
    """
    if not os.environ.get(RELEASED):
        pytest.skip(f"{RELEASED} does not name the authors' distances.npy")
    whole = np.load(Path(os.environ[RELEASED]))
    first = sum(sum(PUBLISHED[n][:2]) for n in range(1, contexts))
    bptt, ga, *expected = PUBLISHED[contexts]
    own = slice(first, first + bptt + ga)
    distance, label = whole[own, own], np.repeat(["bptt", "ga"], [bptt, ga])
    found, test = separation(distance, label), label_test(distance, label)
    made = [
        *found.within_G, found.between, silhouette(row_distances(distance), label),
        silhouette(distance, label), found.ratio, decoded_share(distance, label),
    ]  # fmt: skip
    assert made == pytest.approx(expected, abs=6e-4)
    assert test.p < 0.01
