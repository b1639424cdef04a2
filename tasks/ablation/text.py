"""The result of the experiments as text for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks.ablation.faces import NEW, TEST, TRAIN, VALIDATION
from tasks.ablation.measured import CONVOLUTIONS
from tasks.pages.text_table import aligned

COLUMNS = {TRAIN: "train", TEST: "test", VALIDATION: "validation", NEW: "new people"}
LOOKS = {
    "moved": "right where moved", "follows": "map follows", "around_misread": "around the head, misread",
    "around_right": "… right",
}  # fmt: skip
OPEN = "…"  # the end of a range that has none


def format_ablation(numbers: Mapping[str, Any]) -> str:
    """Tables of variants, similarity, heads and cures, and the verdict on every claim."""
    return "\n".join(_lines(numbers))


def _lines(numbers: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{numbers['pictures']} pictures of {numbers['people']} people, {numbers['rotations']} rotations, "
        f"{numbers['seeds']} seeds; percent, mean ± standard deviation over rotations"
    )
    yield ""
    yield from aligned([
        ["variant", *COLUMNS.values(), "parameters", "dead", "always on", "r of decision maps"],
        *(_variant(row) for row in numbers["variants"]),
    ], numbers=True)  # fmt: skip
    yield from (
        "",
        "similarity to base of another seed: mean r of matched units / CKA, 0 by chance; base's own is the floor",
    )
    yield from aligned(list(_similarities(numbers["variants"])), numbers=True)
    if numbers["heads"]:
        yield from ("", "dense and decision layers trained on frozen convolutions")
        yield from aligned([
            ["head", "convolutions", TEST, COLUMNS[NEW]],
            *([row["head"], row["convolutions"], *(percent_of(row["accuracy"][part]) for part in (TEST, NEW))]
              for row in numbers["heads"]),
        ])  # fmt: skip
    yield from (
        "",
        "new people: where the attribution maps lie, and what becomes of them where pictures are moved by a tenth",
    )
    every = [*numbers["variants"], *(numbers["cures"]["rows"] if numbers["cures"] else [])]
    yield from aligned([["variant", *LOOKS.values()], *(looks_of_row(row) for row in every)], numbers=True)
    yield from ("", "claims")
    for claim in numbers["claims"]:
        yield f'{claim["variant"]}, "{claim["claim"]}": {claim["verdict"].upper()}'
        yield from (f"    {line}" for line in aligned([_part(part) for part in claim["parts"]]))
    if numbers["cures"]:
        yield from _cures(numbers["cures"])


def _variant(row: Mapping[str, Any]) -> list[str]:
    units = row["units"].values()
    complement = row["complement"]
    return [
        row["name"], *(percent_of(row["accuracy"][part]) for part in COLUMNS), f"{row['parameters']:,}",
        *(f"{sum(layer[key] for layer in units):.1f} of {sum(layer['units'] for layer in units)}"
          for key in ("dead", "always_on")),
        "–" if complement is None else f"{complement['maps']['mean']:.2f}",
    ]  # fmt: skip


def looks_of_row(row: Mapping[str, Any]) -> list[str]:
    """Its name and its `LOOKS` in percent."""
    return [row["name"], *("–" if row["looks"][key] is None else f"{100 * row['looks'][key]:.1f}" for key in LOOKS)]


def _similarities(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    layers = list(rows[0]["similarity"])
    yield ["variant", *map(short_layer, layers)]
    for row in rows:
        yield [row["name"], *(_similarity(row["similarity"].get(layer)) for layer in layers)]


def _similarity(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else f"{found['units']['mean']:.2f} / {found['cka']['mean']:.2f}"


def _part(part: Mapping[str, Any]) -> list[str]:
    low, high = (OPEN if end is None else f"{end:g}" for end in part["wanted"])
    interval = f" ({part['low']:.3f} to {part['high']:.3f})"
    return [part["text"], f"{part['mean']:.3f}{interval}", f"wanted {low} to {high}", part["verdict"]]


def _cures(cures: Mapping[str, Any]) -> Iterator[str]:
    yield from ("", f"cures, over {cures['over']}; * is the best on validation")
    yield from aligned([
        ["cure", *COLUMNS.values(), "gain on new people, points"],
        *([f"{row['name']}{' *' if row['name'] == cures['chosen'] else ''}",
           *(percent_of(row["accuracy"][part]) for part in COLUMNS), gain_of(row["gain"])] for row in cures["rows"]),
    ], numbers=True)  # fmt: skip


def percent_of(spread: Mapping[str, float]) -> str:
    """`97.1 ± 0.8`, the standard deviation over rotations."""
    return f"{100 * spread['mean']:.1f} ± {100 * spread['over_rotations']:.1f}"


def gain_of(gain: Mapping[str, float]) -> str:
    """`+8.1 (5.0 to 11.2)`, points."""
    mean, low, high = (100 * gain[key] for key in ("mean", "low", "high"))
    return f"{mean:+.1f} ({low:.1f} to {high:.1f})"


def short_layer(name: str) -> str:
    """`backbone.conv1` as `conv1`."""
    return name.removeprefix(CONVOLUTIONS).removeprefix("embedding.")
