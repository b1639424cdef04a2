"""Make the table of fonts: a row a font, with the font itself.

`python -m tasks.fonts.build` adds the pinned packages' families to the committed list of designs and sides.
"""

import functools
import heapq
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fontTools.ttLib import TTFont

from tasks.common.drawing_settings import FontsSettings
from tasks.common.files import written_whole
from tasks.common.parallel import spread
from tasks.common.params import SYMBOLS, read_params
from tasks.crop_table.italics import italic_design
from tasks.crop_table.other_scripts import OTHER_SCRIPTS, design_of_script, script_of_text
from tasks.crop_table.splits import DESIGN_SIDES, TRAIN
from tasks.fonts.designs import join_designs, read_designs, sides_of, write_designs
from tasks.fonts.folder import fonts_in
from tasks.fonts.font_file import draws, open_font, reading, sfnt_of
from tasks.fonts.icons import icons_of
from tasks.fonts.merge_subsets import splice
from tasks.fonts.npm import install_packages
from tasks.fonts.outlines import Outlines, outlines_of
from tasks.fonts.reink import LoadedFont, plan_reinking, reink
from tasks.fonts.sources import FontSource, Wanted, packaged_fonts
from tasks.fonts.variable import Location, instance_of
from unfont.errors import UserError
from unfont.labels import UNKNOWN

log = logging.getLogger("unfont")

PACKAGE_LIST = "package.json"
SPACE = 0x20
GROUP_BYTES = 8_000_000  # of fonts in one row group: readers stream, and CJK fonts are megabytes
MANY = 32  # families: fewer are read sooner than processes start
WANTED = {"weights", "widths", "italics", "font_style"}  # settings
FACTS = ("family", "font_style", "script", "weight", "licence")
LABEL = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    {
        "family": pa.string(),
        "font_style": LABEL,
        "script": LABEL,
        "design": pa.string(),
        "side": LABEL,
        "weight": pa.int16(),
        "licence": pa.string(),
        "coverage": pa.list_(pa.int32()),
        "font": pa.binary(),
    }
)


SIDES_OF_OTHERS = {design_of_script(code): other.side for code, other in OTHER_SCRIPTS.items()}


def make_fonts(settings: FontsSettings, *, scripts: list[str], out: Path, designs: Path) -> dict[str, float]:
    """Write the table of fonts to `out`, sorted by family, script and weight; return counts.

    Fonts come from the folder `settings.source`: from the packages that its package.json pins, fetched where they are
    missing, or, without a package.json, from its font files. `designs` is the committed list of designs and sides;
    families that it lacks are compared with the others and get a design and side here. A font with too few letters of
    its script is left out and counted. Icon fonts are added with script `Zsym`; each is a design of its own, on the
    training side unless listed. Fonts of scripts that are not learned are added with script `Zzzz`; each script is a
    design, with its side in `OTHER_SCRIPTS`. Scripts of few training designs get re-inked ones, as `settings.reinked`
    says.

    Raises:
        UserError: fonts cannot be fetched, a font does not open, or one of `scripts` has no font.
    """
    found = find_fonts(settings, scripts=scripts)
    listed, fixed = read_designs(designs)
    design_of, side_of = settle(found, listed, fixed)
    reinked = _reinked(found, design_of, side_of, settings)
    made: list[FontSource] = []
    with written_whole(out) as beside:
        with pq.ParquetWriter(beside, SCHEMA, compression="zstd") as writer:
            every = heapq.merge(_loaded(found, settings.reinked.workers), reinked, key=lambda font: font.source)
            for group in _groups(every):
                writer.write_table(_table(group, design_of, side_of))
                made += [font.source for font in group]
        _check_scripts(made, scripts, design_of, settings)
    left_out = len(found) + len(reinked) - len(made)
    return _summary(made, design_of, side_of) | {"reinked": float(len(reinked)), "left_out": float(left_out)}


def write_no_fonts(out: Path) -> dict[str, float]:
    """Write an empty table, for a problem that renders nothing; return counts."""
    with written_whole(out) as beside:
        pq.write_table(SCHEMA.empty_table(), beside, compression="zstd")
    return {"fonts": 0.0}


def find_fonts(settings: FontsSettings, *, scripts: list[str]) -> list[FontSource]:
    """The fonts that the settings name, sorted by family, script, weight; missing packages are fetched."""
    root = Path(settings.source)
    wanted = Wanted(scripts=scripts, **settings.model_dump(include=WANTED))
    if not (root / PACKAGE_LIST).is_file():
        return fonts_in(root, wanted)
    install_packages(root, optional=settings.optional)
    return packaged_fonts(root, wanted, optional=settings.optional)


def settle(
    found: Sequence[FontSource], listed: Mapping[str, str], fixed: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Family → design and design → side for the fonts `found`; entries of `listed` and `fixed` stay.

    Italics follow from these (`design_name`). Icon fonts are not compared and are held out by hand: they do not count
    in any script's balance. Nor do fonts of scripts that are not learned, which have no entry here.
    """
    texts = [source for source in _of_learned(found) if not source.italic]
    icons = {source.family: listed.get(source.family, source.family) for source in found if source.script == SYMBOLS}
    families = {source.family for source in texts}
    known = families <= listed.keys()
    design_of = {name: listed[name] for name in families} if known else join_designs(outlines_by_family(texts), listed)
    sides = sides_of(design_of, cells_of(texts), fixed)
    return design_of | icons, sides | {design: fixed.get(design, DESIGN_SIDES[0]) for design in icons.values()}


def design_name(source: FontSource, design_of: Mapping[str, str]) -> str:
    """The font's design: of an italic another than its upright's, named after it; else, of `Zzzz`, its script."""
    if source.other:
        return design_of_script(source.other)
    design = design_of[source.family]
    return italic_design(design) if source.italic else design


def _of_learned(found: Iterable[FontSource]) -> list[FontSource]:
    return [source for source in found if source.script not in (SYMBOLS, UNKNOWN)]


def outlines_by_family(found: Iterable[FontSource]) -> dict[str, Outlines]:
    """Family → script → measures of its letters, in the weight nearest to regular."""
    outlines: dict[str, Outlines] = {}
    for (family, script), group in groupby(sorted(found), key=lambda source: (source.family, source.script)):
        regular = min(group, key=lambda source: abs(source.weight - 400))
        with _open(regular.path, regular.face, regular.location) as font, reading(regular.path):
            outlines.setdefault(family, {})[script] = outlines_of(font, script)
    return outlines


def cells_of(found: Iterable[FontSource]) -> Iterator[tuple[str, str, str]]:
    return ((source.family, source.script, source.font_style) for source in found)


def _loaded(found: Sequence[FontSource], workers: int) -> Iterator[LoadedFont]:
    """The fonts that draw their script, in the order of `found`; many families are shared by processes."""
    # Whole families: a file that serves several scripts is read once.
    families = [tuple(fonts) for _, fonts in groupby(found, key=lambda source: source.family)]
    workers = workers if len(families) >= MANY else 1
    for fonts in spread(_load_family, families, runner="processes", workers=workers, section="fonts.reinked"):
        yield from fonts


def _load_family(sources: Sequence[FontSource]) -> list[LoadedFont]:
    return list(_drawing(sources))


def _drawing(found: Iterable[FontSource]) -> Iterator[LoadedFont]:
    for source in found:
        if source.script == SYMBOLS:
            coverage, data = _load_icons(source.path)
        else:
            script = source.script if source.parts else ""
            coverage, data = _load(source.path, source.face, source.location, source.parts, script)
        if source.other:
            coverage = [point for point in coverage if point == SPACE or script_of_text(chr(point)) == source.other]
        if coverage if source.script == SYMBOLS else draws(set(coverage), source.other or source.script):
            yield LoadedFont(source, coverage, data)


def _reinked(
    found: Sequence[FontSource], design_of: dict[str, str], side_of: dict[str, str], settings: FontsSettings
) -> list[LoadedFont]:
    """The re-inked fonts, each a design of its own on the training side: `design_of` and `side_of` get them."""
    plan = plan_reinking(found, design_of, side_of, settings.reinked)
    fonts = ((font, plan[font.source]) for font in _drawing(plan))
    reinked = reink(fonts, workers=settings.reinked.workers)
    families = {font.source.family for font in reinked}
    design_of |= {family: family for family in families}
    side_of |= dict.fromkeys(families, TRAIN)
    return reinked


@functools.lru_cache(maxsize=8)  # a file that serves several scripts is read once
def _load(path: Path, face: int, location: Location, parts: tuple[Path, ...], script: str) -> tuple[list[int], bytes]:
    with _open(path, face, location) as font, reading(path):
        for part in parts:
            with _open(part, 0, location) as other:
                splice(font, other, script)
        return sorted(font.getBestCmap()), sfnt_of(font, path)


def _open(path: Path, face: int, location: Location) -> TTFont:
    font = open_font(path, face)
    with reading(path):
        return instance_of(font, location)


def _load_icons(path: Path) -> tuple[list[int], bytes]:
    with open_font(path) as font:
        return icons_of(font), sfnt_of(font, path)


def _groups(fonts: Iterable[LoadedFont]) -> Iterator[list[LoadedFont]]:
    group: list[LoadedFont] = []
    for font in fonts:
        group.append(font)
        if sum(len(each.data) for each in group) >= GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


def _table(group: Sequence[LoadedFont], design_of: Mapping[str, str], side_of: Mapping[str, str]) -> pa.Table:
    sources = [font.source for font in group]
    sides = [SIDES_OF_OTHERS[design_name(one, {})] if one.other else side_of[design_of[one.family]] for one in sources]
    columns = {name: [getattr(source, name) for source in sources] for name in FACTS}
    columns |= {"design": [design_name(source, design_of) for source in sources], "side": sides}
    columns |= {"coverage": [font.coverage for font in group], "font": [font.data for font in group]}
    return pa.table([pa.array(columns[field.name], type=field.type) for field in SCHEMA], schema=SCHEMA)


def _check_scripts(
    made: Iterable[FontSource], scripts: Iterable[str], design_of: Mapping[str, str], settings: FontsSettings
) -> None:
    designs: dict[str, set[str]] = {script: set() for script in scripts}
    for source in made:
        designs.setdefault(source.script, set()).add(design_name(source, design_of))
    if missing := sorted(script for script in designs if not designs[script]):
        raise UserError(
            f"no font draws {', '.join(missing)}",
            where=f"params.yaml: fonts.source {settings.source}",
            fix="add fonts that do, or remove the script from words.scripts",
        )
    if single := sorted(script for script in scripts if len(designs[script]) == 1):
        log.warning("scripts with one design, so with none to hold out: %s", ", ".join(single))


def _summary(made: Sequence[FontSource], design_of: Mapping[str, str], side_of: Mapping[str, str]) -> dict[str, float]:
    texts = _of_learned(made)
    designs = {design_name(source, design_of): side_of[design_of[source.family]] for source in texts}
    sides = Counter(designs.values())
    counts = {
        "fonts": len(texts),
        "families": len({source.family for source in texts}),
        "scripts": len({source.script for source in texts}),
        "symbol_fonts": sum(source.script == SYMBOLS for source in made),
        "other_scripts": len({source.other for source in made if source.other}),
        "designs": len(designs),
        **{f"designs_{side}": sides[side] for side in DESIGN_SIDES},
    }
    return {name: float(count) for name, count in counts.items()}


def list_designs(settings: FontsSettings, *, scripts: list[str], designs: Path) -> None:
    """Write the committed list for all packages; families and designs already in it keep their entries."""
    found = find_fonts(settings, scripts=scripts)
    write_designs(designs, *settle(found, *read_designs(designs)))


if __name__ == "__main__":
    params = read_params()
    listed = Path(params.fonts.source) / "designs.json"
    everything = params.fonts.model_copy(update={"optional": True})
    list_designs(everything, scripts=params.words.scripts, designs=listed)
