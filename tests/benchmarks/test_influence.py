"""The large table has as many columns as asked for, and its target follows from those that are said to drive it."""

import numpy as np
import pyarrow.parquet as pq

from benchmarks.influence import NOISE, write_large


def test_the_target_is_what_drives_it_and_noise(tmp_path):
    drives = write_large(tmp_path / "t.parquet", 20_000, 10)
    table = pq.read_table(tmp_path / "t.parquet").to_pandas()
    assert drives == ["date_0", "number_5"] and len(table.columns) == 11
    season = np.sin((table["date_0"].to_numpy().astype("datetime64[D]") - np.datetime64("2022-01-01")).astype(int)
                    / 365.25 * 2 * np.pi) * 2**0.5  # fmt: skip
    rest = table["target"] - table["number_5"] - season
    np.testing.assert_allclose(rest.std(), NOISE, rtol=0.03)
    for name in ("number_3", "number_7"):
        assert abs(np.corrcoef(rest, table[name])[0, 1]) < 0.03
