"""Folders, archives and manifests of all kinds come in whole: every file is accepted, or rejected with its reason."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.common.params import ProblemSettings
from tasks.images.given_pictures import Picture, given_pictures
from tasks.images.import_images import bring_pictures, write_pictures
from tasks.images.path_pattern import compile_pattern
from tasks.images.picture_table import picture_schema
from unfont.errors import UserError

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design", source="own")
FUZZ = settings(
    max_examples=2_500,  # four tests of these readers: 10,000 cases
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def png(seed: int = 0) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 30)).astype(np.uint8)).save(data, "PNG")
    return data.getvalue()


def gen(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def bring(source: Path | None, **options) -> tuple[dict[str, int], dict[str, str | None], pd.DataFrame]:
    """Summary, reasons by name, and the rows; accepted + rejected = given is checked each time."""
    out = Path("brought")
    brought = bring_pictures(source, problem=PROBLEM, out=out, **options)
    summary = {"given": brought.given, "accepted": brought.accepted, "rejected": brought.rejected}
    rows = pd.concat([pq.read_table(path).to_pandas() for path in sorted(out.glob("*.parquet"))], ignore_index=True)
    rows = rows.astype(object).where(rows.notna(), None)
    assert summary["accepted"] + summary["rejected"] == summary["given"] == len(rows)
    assert summary["accepted"] == rows["reason"].isna().sum() == rows["image"].notna().sum()
    return summary, dict(zip(rows["name"], rows["reason"], strict=True)), rows


def test_a_folder_comes_in_with_the_labels_of_its_paths(here):
    gen(here / "mine", {"Latn/serif/a.png": png(0), "Cyrl/display/b.png": png(1), "Cyrl/c.png": png(2)})
    summary, reasons, rows = bring(here / "mine", pattern="{script}/{font_style}/*.png")
    assert summary == {"given": 3, "accepted": 2, "rejected": 1}
    assert reasons["Cyrl/c.png"] == "does not match the pattern"
    rows = rows.set_index("name")
    assert rows.loc["Latn/serif/a.png", "image"] == png(0)  # as it was found
    labels = rows.loc["Cyrl/display/b.png", ["script", "font_style", "design", "text"]]
    assert labels.tolist() == ["Cyrl", "display", None, None]


def test_without_a_pattern_the_problems_own_is_taken_or_a_folder_names_the_target(here):
    gen(here / "mine", {"Latn/a.png": png()})
    assert bring(here / "mine")[2]["script"].tolist() == ["Latn"]
    problem = PROBLEM.model_copy(update={"pattern": "*/{script}.png"})
    bring_pictures(here / "mine", problem=problem, out=here / "out")
    assert pd.read_parquet(here / "out")["script"].tolist() == ["a"]


def test_what_a_pattern_calls_a_label_is_mapped(here):
    gen(here / "mine", {"Latn/Haus.png": png()})
    rows = bring(here / "mine", pattern="{lang}/{word}.png", columns={"script": "lang", "text": "word"})[2]
    assert rows[["script", "text"]].to_numpy().tolist() == [["Latn", "Haus"]]


def test_odd_names_come_in(here):
    names = [os.fsdecode(b"Latn/\xff\xfe.png"), "Latn/👩‍🚀 a.png", "Latn/line\nbreak.png", "Ωραία/b.png"]
    gen(here / "mine", {name: png(n) for n, name in enumerate(names)})
    summary, reasons, rows = bring(here / "mine")
    assert summary["accepted"] == 4
    assert set(reasons) == {"Latn/\\xff\\xfe.png", *names[1:]} and set(rows["script"]) == {"Latn", "Ωραία"}


def test_links_out_of_the_folder_and_what_is_no_file_are_rejected(here):
    mine = gen(here / "mine", {"Latn/a.png": png()})
    (here / "secret.png").write_bytes(png(1))
    links = {"out.png": here / "secret.png", "in.png": mine / "Latn/a.png", "none.png": mine / "nowhere.png"}
    for name, end in links.items():
        (mine / "Latn" / name).symlink_to(end)
    (mine / "Latn/circle.png").symlink_to(mine / "Latn/circle.png")
    (mine / "Latn/folder.png").symlink_to(mine / "Latn")
    os.mkfifo(mine / "Latn/pipe.png")
    reasons = bring(mine)[1]
    assert {name.removeprefix("Latn/"): reason for name, reason in reasons.items()} == {
        "a.png": None,
        "in.png": "is a copy of another picture",
        "out.png": "leads out of the folder",
        "none.png": "there is no such file",
        "circle.png": "there is no such file",
        "folder.png": "is a linked folder",
        "pipe.png": "this is no regular file",
    }


def test_a_file_that_is_too_large_is_not_read(here, monkeypatch):
    monkeypatch.setattr("unfont.picture.MOST_BYTES", 1000)
    gen(here / "mine", {"Latn/a.png": png(), "Latn/b.png": bytes(1001)})
    assert "larger" in str(bring(here / "mine")[1]["Latn/b.png"])


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.xz", ".zip"])
def test_an_archive_comes_in_as_its_folder_would(here, suffix):
    files = {"Latn/a.png": png(0), "Cyrl/ü.png": png(1), "c.png": png(2)}
    archive = pack(here / f"mine{suffix}", files)
    summary, reasons, rows = bring(archive)
    assert summary == {"given": 3, "accepted": 2, "rejected": 1}
    assert reasons["c.png"] == "does not match the pattern"
    assert dict(zip(rows["name"], rows["image"], strict=True))["Cyrl/ü.png"] == png(1)


def pack(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.mkdir("Latn")
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:" + {".gz": "gz", ".tgz": "gz", ".xz": "xz"}.get(path.suffix, "")) as archive:
        folder = tarfile.TarInfo("Latn")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def test_what_would_leave_an_archive_is_rejected(here):
    with tarfile.open(here / "mine.tar", "w") as archive:
        kinds = {"Latn/link.png": tarfile.SYMTYPE, "Latn/hard.png": tarfile.LNKTYPE, "Latn/device.png": tarfile.CHRTYPE}
        for name in ("./Latn/a.png", "Latn/a.png", "../Latn/b.png", "/Latn/c.png", *kinds):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kinds.get(name, tarfile.REGTYPE), "/etc/passwd"
            entry.size = len(png()) if name not in kinds else 0
            archive.addfile(entry, io.BytesIO(png()))
    rows = bring(here / "mine.tar")[2]
    assert rows[["name", "reason"]].to_numpy().tolist() == [
        ["Latn/a.png", None],
        ["Latn/a.png", "has the name of another file"],
        ["../Latn/b.png", "leads out of the archive"],
        ["/Latn/c.png", "leads out of the archive"],
        ["Latn/link.png", "is a link or a device"],
        ["Latn/hard.png", "is a link or a device"],
        ["Latn/device.png", "is a link or a device"],
    ]


def test_a_zips_links_and_damaged_files_are_rejected(here):
    pack(here / "mine.zip", {"Latn/a.png": png(0), "Latn/b.png": b"B" * 50})
    with zipfile.ZipFile(here / "mine.zip", "a") as archive:
        link = zipfile.ZipInfo("Latn/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../Latn/c.png", png())
    data = (here / "mine.zip").read_bytes()
    (here / "mine.zip").write_bytes(data.replace(b"B" * 50, b"B" * 49 + b"C"))
    reasons = bring(here / "mine.zip")[1]
    assert reasons == {
        "Latn/a.png": None,
        "Latn/b.png": "is damaged in the archive",
        "Latn/link.png": "is a link or a device",
        "../Latn/c.png": "leads out of the archive",
    }


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_a_damaged_archive_is_told_and_nothing_is_lost_in_silence(here, suffix):
    whole = pack(here / f"mine{suffix}", {f"Latn/{n}.png": png(n) for n in range(9)}).read_bytes()
    for at in range(0, len(whole), len(whole) // 23):
        damaged = whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :]
        for data in (whole[:at], damaged):
            (here / f"bad{suffix}").write_bytes(data)
            try:
                # Of what no checksum protects, a changed byte is a changed name or picture.
                assert bring(here / f"bad{suffix}")[0]["given"] == 9
            except UserError as error:
                assert "archive" in error.what or "none of" in error.what, error


def test_a_manifest_names_pictures_and_labels(here):
    gen(here / "mine", {"a.png": png(0), "b.png": png(1), "c.png": png(2)})
    lines = ["file,lang,style,word", "a.png,Latn,serif,Haus", "b.png, Cyrl ,NaN,", "c.png,nan,serif,x", "d.png,Latn,,"]
    lines += ["../secret.png,Latn,,", "b.png,Latn,,", "./a.png,Latn,,", ",Latn,,", "/etc/passwd,Latn,,", "c.png"]
    (here / "mine/list.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    (here / "secret.png").write_bytes(png())
    columns = {"script": "lang", "font_style": "style", "text": "word"}
    summary, _, rows = bring(None, manifest=here / "mine/list.csv", columns=columns)
    assert summary == {"given": 10, "accepted": 2, "rejected": 8}
    assert rows["reason"].tolist() == [
        None,
        None,
        "its script is empty",
        "there is no such file",
        "leads out of the folder",
        "is listed twice",
        "is listed twice",
        "names no picture",
        "leads out of the folder",
        "is listed twice",
    ]
    assert rows.loc[1, ["script", "font_style", "text"]].tolist() == ["Cyrl", None, None]
    assert bring(here / "mine/list.csv", columns=columns)[0] == summary  # a manifest is known by its name


def test_paths_of_other_systems_are_found(here):
    files = {"x/a.png": png(0), "x/cafe\u0301.png": png(1), "x/c.png": png(2)}
    rows = ["x\\a.png,Latn", "x/caf\u00e9.png,Latn", "x/c.png ,Latn", "x/a.png,Latn"]
    (here / "list.csv").write_text("\n".join(["path,script", *rows]), encoding="utf-8")
    for source in (gen(here / "mine", files), pack(here / "mine.zip", files)):
        summary, reasons, _ = bring(source, manifest=here / "list.csv")
        assert summary == {"given": 4, "accepted": 3, "rejected": 1}
        assert reasons["x/a.png"] == "is listed twice" or reasons["x/a.png"] is None


def test_a_linked_folder_is_told(here):
    gen(here / "mine", {"Latn/a.png": png(0), "Latn/b.png": png(1)})
    (here / "mine/Cyrl").symlink_to(here / "mine/Latn")
    assert bring(here / "mine")[1]["Cyrl"] == "is a linked folder"


def test_an_import_that_is_refused_leaves_what_was_there(here):
    def check(folder, hints):
        assert len(pq.read_table(folder)) == 2 and hints["is a copy of another picture"].startswith("1 picture is")
        raise UserError("no", where="test", fix="give others")

    gen(here / "mine", {"Latn/a.png": png(0)})
    bring(here / "mine")
    gen(here / "mine", {"Latn/b.png": png(0)})
    with pytest.raises(UserError, match="no"):
        bring(here / "mine", check=check)
    assert pd.read_parquet(here / "brought")["name"].tolist() == ["Latn/a.png"]


def test_a_manifest_may_list_an_archives_files(here):
    pack(here / "mine.tar.gz", {"x/a.png": png(0), "x/b.png": png(1), "x/c.png": png(2)})
    (here / "list.tsv").write_text("path\tscript\n./x/a.png\tLatn\nx/none.png\tLatn\n../b.png\tLatn\nx/b.png\tCyrl\n")
    reasons = bring(here / "mine.tar.gz", manifest=here / "list.tsv")[1]
    assert reasons == {
        "x/a.png": None,
        "x/b.png": None,
        "x/none.png": "there is no such file",
        "../b.png": "leads out of the archive",
    }


def test_a_parquet_manifest_holds_pictures_or_names_them(here):
    gen(here, {"c.png": png(2)})
    images = [{"bytes": png(0), "path": "a.png"}, {"bytes": png(1), "path": "a.png"}, {"bytes": None, "path": "c.png"}]
    images += [{"bytes": None, "path": None}, None]
    table = pa.table({"image": images, "label": [0, 1, 0, 0, 0], "design": [1.0, None, float("nan"), 2.5, 3.0]})
    classes = b'{"info": {"features": {"label": {"names": ["Latn", "Cyrl"], "_type": "ClassLabel"}}}}'
    pq.write_table(table.replace_schema_metadata({"huggingface": classes}), here / "list.parquet")
    rows = bring(here / "list.parquet", columns={"script": "label"})[2]
    assert rows["image"].tolist() == [png(0), png(1), png(2), None, None]
    assert rows["name"].tolist() == ["row 1: a.png", "row 2: a.png", "c.png", "row 4", "row 5"]
    assert rows["script"].tolist() == ["Latn", "Cyrl", "Latn", "Latn", "Latn"]
    assert rows["design"].tolist() == ["1", None, None, "2.5", "3"]
    assert rows["reason"].tolist() == [None, None, None, "names no picture", "names no picture"]


@pytest.mark.parametrize(
    ("manifest", "columns", "said"),
    [
        ("path,lang\na.png,Latn\n", {}, "no column 'script'.*it has path, lang"),
        ("path,script\na.png,Latn\n", {"font_style": "style"}, "no column 'style'"),
        ("name,script\na.png,Latn\n", {}, "no column of pictures"),
        ("name,script\na.png,Latn\n", {"image": "nome"}, "no column 'nome'"),
        ("path,script\na.png,Latn\n", {"colour": "x"}, "no column 'colour'.*use script"),
        ("path,script,script\na.png,Latn,Cyrl\n", {}, "one name"),
        ("", {}, "manifest is empty"),
        ("path,script\n", {}, "there are no pictures"),
        ('path,script\na.png,"Latn\nb.png,Cyrl\n', {}, "cannot be read"),
        ("path,script\nb.png,Latn\n", {}, "none of 1 picture.*no such file"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told(here, manifest, columns, said):
    gen(here, {"a.png": png()})
    (here / "list.csv").write_text(manifest)
    with pytest.raises(UserError, match=said):
        bring(here, manifest=here / "list.csv", columns=columns)


def test_wrong_sources_are_told(here):
    (here / "empty").mkdir()
    gen(here / "mine", {"Latn/a.png": png()})
    (here / "text.tar").write_text("no archive")
    (here / "text.json").write_text("{}")
    for source, options, said in (
        (here / "empty", {}, "there are no pictures"),
        (here / "none", {}, "no such folder or archive"),
        (here / "text.tar", {}, "archive cannot be read"),
        (here / "text.json", {}, "save it as CSV"),
        (here / "mine", {"pattern": "{script}.png"}, "none of 1 picture.*does not match"),
        (here / "mine", {"pattern": "{colour}/{script}.png"}, "no placeholder"),
        (here / "mine", {"manifest": here / "none.csv"}, "no such manifest"),
        (here / "mine", {"manifest": here / "none.csv", "pattern": "{script}/*"}, "one of them"),
        (None, {}, "nothing to bring in"),
    ):
        with pytest.raises(UserError, match=said):
            bring(source, **options)


def test_what_was_there_stays_until_something_better_is_whole(here):
    gen(here / "mine", {"Latn/a.png": png(0)})
    bring(here / "mine")
    with pytest.raises(UserError):
        bring(here / "mine", pattern="{script}.jpg")
    assert pd.read_parquet(here / "brought")["name"].tolist() == ["Latn/a.png"]
    gen(here / "other", {"Latn/b.png": png(1)})
    assert set(bring(here / "other")[1]) == {"Latn/b.png"}


def test_many_pictures_are_few_files_of_bounded_row_groups(here, monkeypatch):
    monkeypatch.setattr("tasks.images.import_images.GROUP_BYTES", 3000)
    monkeypatch.setattr("tasks.images.import_images.SHARD_ROWS", 20)
    pictures = (Picture(name=str(n), data=bytes(1000), labels={"script": "Latn"}) for n in range(50))
    write_pictures(here / "out", pictures, picture_schema(PROBLEM))
    files = [pq.ParquetFile(path) for path in sorted((here / "out").glob("part-*.parquet"))]
    assert [file.metadata.num_rows for file in files] == [18, 18, 14]
    assert max(file.metadata.row_group(0).num_rows for file in files) == 3
    names = [name for file in files for name in file.read(["name"])["name"].to_pylist()]
    assert names == [str(n) for n in range(50)]


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Path:
    return gen(tmp_path_factory.mktemp("fuzz"), {"a.png": png(0), "Latn/b.png": png(1), "Latn/é.png": png(2)})


def told(source: Path, **options) -> list[Picture] | None:
    """The pictures that are given, each usable or with a reason; null where the user is told in one line."""
    try:
        pictures = list(given_pictures(source, problem=PROBLEM, **options))
    except UserError as error:
        assert "\n" not in str(error)
        return None
    assert all((picture.data is None) == (picture.reason is not None) for picture in pictures)
    assert all(picture.labels["script"] for picture in pictures if picture.reason is None)
    return pictures


CELL = st.text(st.characters(max_codepoint=0x2FF) | st.sampled_from('"\r\n\0,./👩\udcff\ud800'), max_size=6)
PATHS = st.sampled_from(["a.png", "Latn/b.png", "./a.png", "Latn/../a.png", "../x", "Latn", "x" * 300]) | CELL


@pytest.mark.slow
@FUZZ
@given(rows=st.lists(st.tuples(PATHS, CELL), max_size=3))
def test_no_row_of_any_csv_manifest_is_lost(rows, mine, here):
    lines = ["path,script", *(",".join(f'"{v.replace(chr(34), chr(34) * 2)}"' for v in row) for row in rows)]
    (here / "list.csv").write_bytes("\r\n".join(lines).encode("utf-8", "surrogatepass"))
    pictures = told(mine, manifest=here / "list.csv")
    assert pictures is not None and len(pictures) == len(rows)


@pytest.mark.slow
@FUZZ
@given(
    data=st.binary(max_size=100) | st.text("a.png,/script\"'\r\n\0\ufeff;", max_size=40).map(str.encode),
    name=st.sampled_from(["list.csv", "list.parquet", "mine.zip", "mine.tar.gz"]),
    header=st.booleans(),
)
def test_any_bytes_are_a_manifest_or_an_archive_or_told(data, name, header, mine, here):
    (here / name).write_bytes(b"path,script\n" + data if header else data)
    told(mine, manifest=here / name) if "list" in name else told(here / name)


@pytest.mark.slow
@FUZZ
@given(
    suffix=st.sampled_from([".tar", ".tar.gz", ".zip", ".parquet"]),
    keep=st.none() | st.floats(0, 1),
    changes=st.binary(max_size=9),
)
def test_a_cut_archive_or_manifest_never_loses_a_row(suffix, keep, changes, here):
    data = bytearray(whole(suffix, here))
    for high, low, value in zip(*[iter(changes)] * 3, strict=False):
        data[(high * 256 + low) % len(data)] = value
    cut = keep is not None and int(keep * len(data)) < len(data)
    (here / f"bad{suffix}").write_bytes(data[: int(keep * len(data))] if cut else data)
    pictures = told(here / f"bad{suffix}")
    # What changed bytes say, nobody knows; what is cut off is noticed.
    assert len(changes) > 2 or len(pictures or []) == 3 or (cut and pictures is None)


@pytest.mark.slow
@FUZZ
@given(pattern=st.text("{}script*?/.ab[(\\", max_size=24), names=st.lists(CELL, max_size=4))
def test_any_pattern_is_used_or_told(pattern, names):
    try:
        expression = compile_pattern(pattern, columns=["script"], required="script")
    except UserError:
        return
    for match in filter(None, map(expression.fullmatch, names)):
        assert match["script"] and "/" not in match["script"]


WHOLE: dict[str, bytes] = {}


def whole(suffix: str, folder: Path) -> bytes:
    """Three small pictures in an archive or manifest."""
    if suffix not in WHOLE:
        files = {f"Latn/{n}.png": png(n)[:60] for n in range(3)}
        path = folder / f"whole{suffix}"
        if suffix == ".parquet":
            images = [{"bytes": data, "path": name} for name, data in files.items()]
            pq.write_table(pa.table({"image": images, "script": ["Latn", "Cyrl", None]}), path)
        else:
            pack(path, files)
        WHOLE[suffix] = path.read_bytes()
    return WHOLE[suffix]
