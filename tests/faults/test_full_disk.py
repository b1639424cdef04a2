"""A full disk: one line, what was there before is whole, nothing half-written, and a rerun after room was made."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.common.files import read_json, write_json, written_whole
from tasks.crop_table.shards import write_shards
from unfont.errors import UserError

ROOM = 256 * 1024  # bytes of the disk


@pytest.fixture
def disk(tmp_path):
    """A file system of its own with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs to be allowed to mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def crops(count: int) -> pa.Table:
    """Rows of 1 KiB that do not compress."""
    rng = np.random.default_rng(0)
    return pa.table({"image": pa.array([rng.bytes(1024) for _ in range(count)])})


def write_table(folder: Path, rows: pa.Table) -> None:
    """As the stages write it."""
    with written_whole(folder) as beside:
        write_shards(beside, [rows])


def test_a_table_that_does_not_fit_leaves_the_one_before(disk):
    write_table(disk / "table", crops(20))
    before = {file.name: file.read_bytes() for file in (disk / "table").iterdir()}
    with pytest.raises(UserError, match=r"cannot write: No space left on device.*free space"):
        write_table(disk / "table", crops(500))
    assert {file.name: file.read_bytes() for file in (disk / "table").iterdir()} == before
    assert [file.name for file in disk.iterdir()] == ["table"]
    write_table(disk / "table", crops(40))
    assert pq.read_table(disk / "table").num_rows == 40


def test_metrics_that_do_not_fit_leave_those_before_and_are_written_once_there_is_room(disk):
    write_json(disk / "metrics.json", {"accuracy": 0.5})
    (disk / "other").write_bytes(bytes(ROOM - 16 * 1024))
    long = {"labels": ["Latn"] * 5000}
    with pytest.raises(UserError, match="No space left on device"):
        write_json(disk / "metrics.json", long)
    assert read_json(disk / "metrics.json") == {"accuracy": 0.5}
    assert sorted(file.name for file in disk.iterdir()) == ["metrics.json", "other"]
    (disk / "other").unlink()
    write_json(disk / "metrics.json", long)
    assert read_json(disk / "metrics.json") == long
