"""Crops of one picture are one picture."""

import numpy as np
import pandas as pd
import pyarrow as pa

from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import crop_schema, write_shards
from tasks.tag.pictures import count_own, near_pictures, pictures_of, with_whole_pictures


def test_the_user_s_crops_of_one_path_are_one_picture_and_each_rendered_crop_is_one():
    rows = pd.DataFrame(
        {
            "origin": ["user", "rendered", "user", "user", "rendered", "user"],
            "path": ["a", None, "b", "a", None, "1"],  # "1" is also the number of a rendered row
        },
        index=range(10, 16),
    )
    found = pictures_of(rows).tolist()
    assert found[0] == found[3] and len(set(found)) == 5


def test_clusters_that_a_picture_joins_are_one():
    clusters, pictures = np.array([7, 3, 7, 5, 9, 3]), np.array([40, 40, 10, 20, 30, 50])
    joined = with_whole_pictures(clusters, pictures)
    # 7 and 3 by picture 40; 3 stands for picture 50 as well; 5 and 9 are alone.
    assert len(set(joined[[0, 1, 2, 5]])) == 1 and len(set(joined)) == 3
    assert with_whole_pictures(clusters[:0], pictures[:0]).tolist() == []


def test_windows_of_one_picture_are_no_near_duplicates_of_each_other():
    assert near_pictures(np.array([0, 0, 1]), np.array([5, 5, 5])) == 0
    assert near_pictures(np.array([0, 0, 0, 1]), np.array([5, 5, 6, 6])) == 1


def test_pictures_and_crops_of_a_table_are_counted(tmp_path):
    schema = crop_schema(ProblemSettings(target="script", nuisances=[], group="design"), split=True)
    origins = [("user", "a"), ("rendered", None), ("user", "a"), ("user", "b")]
    rows = [
        dict.fromkeys(schema.names) | {"origin": origin, "image": {"bytes": b"", "path": path}}
        for origin, path in origins
    ]
    write_shards(tmp_path / "table", [pa.Table.from_pylist(rows, schema=schema)])
    assert count_own(tmp_path / "table") == (2, 3)
