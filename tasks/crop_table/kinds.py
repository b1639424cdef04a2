"""Kinds of background (non-text crops), by the split that may show them; docs/explanation/backgrounds.md lists them.

A kind is named after the function that paints it (`tasks.crops.backgrounds`), and its seed follows from that name.
Whole kinds are held out: a model that has learned "no hatching" has not learned "no text".
"""

from tasks.crop_table.splits import TEST_UNSEEN, TRAIN, VALIDATION

FREE = {
    TRAIN: (
        "noise", "clouds", "bars", "grid", "blobs", "halftone", "edges", "scratches", "curves", "dashes", "plain",
        "barcode", "keys", "logos", "arrows", "underlines", "staff", "fences", "bricks", "gradients", "markings",
        "branches", "things", "leaves",
    ),
    VALIDATION: ("checker", "stains", "ruled", "spots", "charts", "fabric", "railings", "waves"),
    TEST_UNSEEN: ("hatching", "arcs", "tables", "polygons", "blur", "modules", "spectrum", "windows", "cables"),
}  # fmt: skip
# Torn letters and icons are rendered with fonts of the split's own side.
TORN = {TRAIN: ("torn_fragment", "torn_shards"), VALIDATION: ("torn_strip",), TEST_UNSEEN: ("torn_between",)}
ICONS = {TRAIN: ("icon", "icon_row"), VALIDATION: ("icon_framed",), TEST_UNSEEN: ("icon_scatter",)}


def kinds_of(split: str, *, letters: bool = True, icons: bool = True) -> list[str]:
    """Kinds that a split may show; without `letters` or `icons` in its side's fonts, none that need them.

    Validation and test_unseen have kinds of their own; the other splits share those of training.
    """
    side = split if split in FREE else TRAIN
    return [*FREE[side], *(TORN[side] if letters else ()), *(ICONS[side] if icons else ())]
