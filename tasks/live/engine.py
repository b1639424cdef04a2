"""What all viewers of the live page share: networks, fonts, the report; and the answers to what a page asks.

The methods compute and must not run side by side, but for `prepare` and `fit_style`.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from models.explain.attribution import mean_baseline, occlusion
from models.explain.deconv import RULES
from models.settings import DegradeSettings
from tasks.common.params import Params
from tasks.crop_table.png import Pixels
from tasks.live.degrading import degraded
from tasks.live.keep import keep_crop
from tasks.live.look import Look, look_at
from tasks.live.maps import signed_pixels
from tasks.live.network import LiveNetwork
from tasks.live.packing import pack
from tasks.live.report_units import UnitReport
from tasks.live.source import Source
from tasks.live.style import StyleProbe, fit_style_probe
from tasks.live.sweep import sweep
from tasks.live.typed import Font, FontBook
from tasks.live.view import View, strongest
from tasks.predict.champion import temperature_of
from unfont.errors import UserError
from unfont.text import clip

OPEN = 6  # networks in memory; the least recently used goes first
PARTS = 8  # of height and width: a window of occlusion of a network of the user's own


@dataclass
class Engine:
    """Networks by name: those of the project (`folders`), and `own`, which the user's code made.

    `params`, `book` and `report` are None outside of a project, or where it has no fonts or no report.
    """

    folders: Mapping[str, Path]
    params: Params | None = None
    book: FontBook | None = None
    report: UnitReport | None = None
    own: LiveNetwork | None = None
    styles: dict[str, StyleProbe] = field(default_factory=dict)
    _open: OrderedDict[str, LiveNetwork] = field(default_factory=OrderedDict)

    @property
    def names(self) -> list[str]:
        """Of all networks that a page may choose, the one to begin with first."""
        return [*([self.own.name] if self.own else []), *self.folders]

    def network(self, name: str) -> LiveNetwork:
        """The network called `name`, opened once.

        Raises:
            UserError: there is none, or its folder is damaged.
        """
        if self.own is not None and name == self.own.name:
            return self.own
        if name not in self._open:
            if name not in self.folders or self.params is None:
                raise UserError(
                    "there is no such network", where=name[:80], fix=f"choose one of {', '.join(self.names)}"
                )
            folder = self.folders[name]
            self._open[name] = LiveNetwork.of_folder(folder, name=name, temperature=temperature_of(self.params, folder))
            while len(self._open) > OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(name)
        return self._open[name]

    def hello(self) -> dict[str, Any]:
        """What a page needs to know before it shows anything."""
        fields = DegradeSettings.model_fields
        return {
            "names": self.names,
            "problem": self.params.problem if self.params else None,
            "scripts": self.book.scripts if self.book else [],
            "report": self.report.weights if self.report else None,
            "styles": self.params.labels.nuisances[:1] if self.params else [],
            "rules": list(RULES),
            "degrade": {name: strongest(name) for name in fields},
        }

    def described(self, name: str) -> dict[str, Any]:
        """A network as the page draws its controls: layers, labels, size.

        Raises:
            UserError: as `network`.
        """
        live = self.network(name)
        layers = [[layer.name, layer.units, layer.rows, layer.columns] for layer in live.layers]
        return {
            "name": live.name, "layers": layers, "labels": live.labels, "size": list(live.size),
            "channels": live.channels, "weights": live.weights, "model": live.model is not None,
        }  # fmt: skip

    def prepare(self, source: Source, names: list[str], view: View) -> None:
        """Find the windows of a frame ahead of `look`. May run beside all others, for it asks no network."""
        opened = [live for live in (self.own, *list(self._open.values())) if live is not None and live.name in names]
        if source.moving:
            with suppress(Exception):  # `look` raises it again, and says it
                for live in opened:
                    source.windows(live, whole=view.whole)

    def look(self, source: Source, names: list[str], view: View, *, version: int) -> bytes:
        """All that the view wants of the picture, by one or two networks: one message.

        Raises:
            UserError: a network or the picture cannot be used.
        """
        header: dict[str, Any] = {"kind": "look", "frame": source.number, "view": version, "networks": []}
        arrays: dict[str, Pixels] = {}
        for number, name in enumerate(names):
            live = self.network(name)
            look = look_at(live, source.windows(live, whole=view.whole), view)
            if view.style:
                look.numbers["style"] = self._style(name, look)
            header["networks"].append({"name": name, **look.numbers})
            arrays |= {f"{number}/{key}": array for key, array in look.arrays.items()}
        return pack(header, arrays)

    def occlude(self, source: Source, name: str, view: View) -> bytes:
        """How much the target's logit falls where a window of the picture is covered.

        Raises:
            UserError: as `look`; or the network gives no logits.
        """
        live = self.network(name)
        if not live.labels:
            raise UserError("occlusion needs logits", where=name, fix="show a network that gives [batch, labels]")
        windows = source.windows(live, whole=view.whole)
        row = min(view.window, len(windows.pixels) - 1)
        image = degraded(live.images(windows.pixels[row : row + 1]), view.degrade, seed=view.seed)
        with torch.no_grad():
            target = int(live.network(image)[0].argmax()) if view.target is None else view.target
        window, stride = self._occluder(live)
        target = min(target, len(live.labels) - 1)
        found = occlusion(
            live.network, image, torch.tensor([target]), window=window, stride=stride, baseline=mean_baseline(image)
        )
        header = {"kind": "occlusion", "name": name, "label": live.labels[target], "fall": round(float(found.max()), 4)}
        return pack(header, {"occlusion": signed_pixels(found)})

    def unit(self, name: str, layer: str, unit: int) -> bytes:
        """A unit's panes from the report.

        Raises:
            UserError: there is no report, or it does not have this unit of this network.
        """
        if self.report is None:
            raise UserError("there is no report", where="the project", fix="make it: unfont report")
        look = self.report.unit(self.network(name), layer, unit)
        return pack({"kind": "unit", "name": name, **look.numbers}, look.arrays)

    def type(self, text: str, *, font: int | None, script: str | None) -> tuple[Font, str, Pixels]:
        """The font, the text and the picture of it: in the font at row `font` if it can, else in the first that can.

        Where a script is chosen in which the text cannot be written, it is a word of that script.

        Raises:
            UserError: there are no fonts, or none of them can draw the text.
        """
        chosen = None if font is None else self.fonts.fonts.get(font)
        if chosen and self.fonts.script_of(text) in (None, chosen.script) and self.fonts.can_draw(chosen.row, text):
            return chosen, text, self.fonts.draw(chosen.row, text)
        found = self.fonts.font_for(text, script)
        if found is None and script is not None:
            text = self.fonts.word_of(script) or text
            found = self.fonts.font_for(text, script)
        if found is None:
            where = script[:80] if script else "the fonts"
            raise UserError(f"no font can draw '{clip(text)}'", where=where, fix="type another text")
        return found, text, self.fonts.draw(found.row, text)

    def sweep(self, name: str, text: str, script: str) -> Iterator[bytes]:
        """The word in every font of the script, in parts.

        Raises:
            UserError: as `tasks.live.sweep.sweep`, or there are no fonts.
        """
        for part in sweep(self.network(name), self.fonts, text, script=script):
            header = {"kind": "sweep", "done": part.done, "total": part.total, "script": script, "text": text}
            yield pack({**header, "answers": part.answers}, {"pictures": part.pictures})

    def keep(self, row: int, text: str) -> dict[str, Any]:
        """Keep a typed crop for training (`tasks.live.keep`).

        Raises:
            UserError: it may not be kept.
        """
        assert self.params is not None or self.book is None
        kept = keep_crop(self.params, self.fonts, row=row, text=text)  # type: ignore[arg-type]
        return {"kind": "kept", "row": row, "file": str(kept.file), "count": kept.count, "again": kept.again}

    @property
    def fonts(self) -> FontBook:
        """The project's fonts.

        Raises:
            UserError: there are none.
        """
        if self.book is None:
            raise UserError(
                "there are no fonts here", where="data/fonts.parquet", fix="run `unfont fonts` in a project"
            )
        return self.book

    def fit_style(self, name: str) -> None:
        """Fit the probe of a model's embedding, if it is not; seconds. May run beside all others.

        Raises:
            UserError: it is no model of the project, or there are no crops for it.
        """
        if self.params is None or name not in self.folders:
            raise UserError("there are no styles to read", where=name[:80], fix="show a model of a project")
        if name not in self.styles:
            self.styles[name] = fit_style_probe(self.params, self.folders[name], table=self.params.home / "table")

    def _style(self, name: str, look: Look) -> dict[str, Any] | None:
        if name not in self.styles or look.embedding is None:
            return None
        return self.styles[name].read(look.embedding, look.numbers["answer"]["each"][look.numbers["window"]][0])

    def _occluder(self, live: LiveNetwork) -> tuple[tuple[int, int], tuple[int, int]]:
        """Height and width of the window and of its stride: those of `unfont explain` for models of the project."""
        if live.model is not None and self.params is not None:
            (high, wide), (down, right) = self.params.attribution.window, self.params.attribution.stride
            return (high, wide), (down, right)
        high, wide = (max(1, side // PARTS) for side in live.size)
        return (high, wide), (high, wide)  # side by side: a large network would be at it for seconds
