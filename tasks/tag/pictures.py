"""Which crops were cut from one picture: they stand on one side, and count as one picture."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tasks.crop_table.origins import BROUGHT
from tasks.crop_table.shards import read_table

Numbers = NDArray[np.int64]


def pictures_of(rows: pd.DataFrame) -> Numbers:
    """Number of each row's picture: the user's rows with one `path` share theirs, a rendered crop has its own."""
    own = rows["origin"].isin(BROUGHT) & rows["path"].notna()
    names = rows["path"].where(own, pd.Series(np.arange(len(rows)).astype(str), index=rows.index))
    numbers = pd.DataFrame({"own": own, "name": names}).groupby(["own", "name"], sort=False).ngroup()
    return np.asarray(numbers, np.int64)


def with_whole_pictures(clusters: Numbers, pictures: Numbers) -> Numbers:
    """`clusters` [rows], those merged that have crops of one picture."""
    if not len(clusters):
        return clusters
    places = np.unique(clusters, return_inverse=True)[1], np.unique(pictures, return_inverse=True)[1]
    size = int(places[0].max()) + 1
    edges = coo_array(
        (np.ones(len(clusters), bool), (places[0], size + places[1])), shape=(size + places[1].max() + 1,) * 2
    )
    return connected_components(edges, directed=False)[1][places[0]].astype(np.int64)


def near_pictures(clusters: Numbers, pictures: Numbers) -> int:
    """How many pictures look like another one: near-duplicates among the crops of one picture do not count."""
    return len(set(zip(clusters.tolist(), pictures.tolist(), strict=True))) - len(np.unique(clusters))


def count_own(table: Path) -> tuple[int, int]:
    """How many pictures of the user's the crop table `table` has crops of, and how many crops.

    Raises:
        UserError: there is no table.
    """
    names = read_table(table, {"path": pc.field("image", "path")}, pc.field("origin").isin(BROUGHT))["path"]
    return len(names.unique()), len(names)
