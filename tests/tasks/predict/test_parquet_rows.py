import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.predict.parquet_rows import items_of, rows_of
from tasks.predict.sources import Item, find_pictures
from tests.toyhome import make_toy_home, toy_params
from unfont.errors import UserError

PARAMS = toy_params()


def written(path, images, **options):
    pq.write_table(pa.table({"image": images, "other": list(range(len(images)))}), path, **options)
    return str(path)


def test_rows_hold_a_picture_or_name_one_beside_the_file(here):
    image = pa.array(
        [{"bytes": b"1", "path": "a.png"}, {"bytes": None, "path": "b.png"}, None, {"bytes": None, "path": None}],
        pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
    )
    (here / "in").mkdir()
    path = written(here / "in" / "t.parquet", image)
    assert rows_of(path) == 4
    beside = str(here / "in" / "b.png")
    missing = [Item(f"{path}:{row}", problem="the row holds no picture") for row in (2, 3)]
    assert list(items_of(path)) == [Item(f"{path}:0", data=b"1"), Item(beside, path=beside), *missing]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.binary())])
def test_a_column_may_be_bytes(here, kind):
    path = written(here / "t.parquet", pa.array([b"1", b"2"]).cast(kind))
    assert [item.data for item in items_of(path)] == [b"1", b"2"]


def test_a_column_may_be_paths(here):
    path = written(here / "t.parquet", pa.array(["a.png", "/b.png"]))
    assert [item.path for item in items_of(path)] == [str(here / "a.png"), "/b.png"]


def test_the_crop_table_and_what_datasets_writes_are_read(here):
    datasets = pytest.importorskip("datasets")
    shard = next((make_toy_home(here, params=PARAMS) / "table").glob("*.parquet"))
    rows = pq.read_table(shard).to_pylist()
    assert [item.data for item in items_of(str(shard))] == [row["image"]["bytes"] for row in rows]
    again = datasets.Dataset.from_parquet(str(shard), cache_dir=str(here / "cache")).select(range(3))
    again.to_parquet(str(here / "again.parquet"))
    assert [item.data for item in items_of(str(here / "again.parquet"))] == [row["image"]["bytes"] for row in rows[:3]]


def test_order_and_names_do_not_depend_on_row_groups(here):
    path = written(here / "t.PARQUET", pa.array([b"%d" % number for number in range(200)]), row_group_size=70)
    found = find_pictures([path, path], listing=lambda: b"")
    assert found.total == 400
    assert [(item.name, item.data) for item in found.items()][199:202] == [
        (f"{path}:199", b"199"),
        (f"{path}:0", b"0"),
        (f"{path}:1", b"1"),
    ]


def test_a_damaged_row_group_gives_a_row_for_each_lost_picture_and_the_next_is_read(here):
    path = here / "t.parquet"
    images = [bytes([number]) * 1000 for number in range(150)]
    written(path, pa.array(images), row_group_size=50, compression="zstd", use_dictionary=False)
    data = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    size = column.total_compressed_size
    data[column.data_page_offset : column.data_page_offset + size] = bytes(size)
    path.write_bytes(data)
    found = list(items_of(str(path)))
    assert [item.data for item in found] == images[:50] + [None] * 50 + images[100:]
    assert [item.name for item in found] == [f"{path}:{row}" for row in range(150)]
    assert all("damaged" in item.problem for item in found[50:100])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"PAR1"), "no Parquet file"),
        (lambda path: None, "no such file"),
        (lambda path: pq.write_table(pa.table({"path": ["a.png"]}), path), "no column 'image'.*it has path"),
        (lambda path: pq.write_table(pa.table({"image": [1]}), path), "the column 'image' is int64"),
    ],
)
def test_a_file_without_pictures_is_told_at_once(here, make, said):
    make(here / "t.parquet")
    with pytest.raises(UserError, match=said):
        find_pictures(["-"], listing=lambda: b"t.parquet\n")
