"""A template of SynthTIGER for word crops, of its own components, put together as its own examples do it."""

import itertools
from typing import Any

from PIL import Image
from synthtiger import components, layers, templates, utils


class WordCrop(templates.Template):  # type: ignore[misc]
    """One word on a background: font, colour, texture, blur; with `degraded` also what its examples do beyond that.

    `config` has `jobs` [[text, font file], …], `textures` (files), `height` in pixels and `degraded`. A layer a
    character, a texture on half of the words and half of the backgrounds, and the ranges of the steps are those of its
    example for horizontal words. The `degraded` steps have their likes among ours: elastic distortion, perspective,
    skew and rotation, noise, loss of resolution.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.jobs = itertools.cycle(config["jobs"])
        self.height = config["height"]
        fonts = sorted({font for _, font in config["jobs"]})
        self.font = components.BaseFont(paths=fonts, weights=[1] * len(fonts), size=(self.height, self.height))
        self.layout = components.FlowLayout(space=(-2, 5), line_align=("middle",))
        self.ink = components.Gray(gray=(0, 120), colorize=1)
        self.ground = components.Gray(gray=(150, 255), colorize=1)
        textures = {"paths": config["textures"], "weights": [1] * len(config["textures"])}
        self.texture = components.Switch(components.BaseTexture(**textures, alpha=(0, 1), crop=1), prob=0.5)
        self.blur = components.Switch(components.GaussianBlur(sigma=(0, 2)), prob=0.9)
        self.degraded = config["degraded"]
        self.shape = components.Selector(
            [
                components.ElasticDistortion(alpha=(15, 30), sigma=(4, 12)),
                components.ElasticDistortion(alpha=(0, 2), sigma=(0, 0.6)),
            ]
        )
        self.transform = components.Selector(
            [
                components.Perspective(percents=((0.5, 1), (1, 1)), aligns=((0, 0), (0, 0))),
                components.Perspective(percents=((1, 1), (0.5, 1)), aligns=((0, 0), (0, 0))),
                components.Skew(weights=(1, 0), angle=(0, 30), ccw=0.5),
                components.Rotate(angle=(0, 10), ccw=0.5),
            ]
        )
        self.noise = components.AdditiveGaussianNoise(scale=(4, 8), per_channel=0)
        self.resample = components.Switch(components.Resample(size=(0.4, 0.4)), prob=0.1)

    def generate(self) -> Image.Image:
        """The next word's crop: RGB, `height` pixels high, and as wide as the word."""
        text, path = next(self.jobs)
        crop = self._word(text, path)
        ground = layers.RectLayer(crop.size)
        ground.topleft = crop.topleft
        self.ground.apply([ground])
        self.texture.apply([ground])
        crop = (crop + ground).merge()
        if self.degraded:
            self.noise.apply([crop])
        self.blur.apply([crop])
        if self.degraded:
            self.resample.apply([crop])
        height, width = crop.image.shape[:2]
        image = utils.resize_image(crop.image, (max(1, round(width * self.height / height)), self.height))
        return Image.fromarray(image[..., :3].astype("uint8"))

    def _word(self, text: str, path: str) -> layers.Layer:
        """The word's layer, coloured, textured and, with `degraded`, warped."""
        font = self.font.sample({"path": path})
        letters = [layers.TextLayer(letter, **font) for letter in utils.split_text(text, reorder=True)]
        if self.degraded:
            self.shape.apply(letters)
        self.layout.apply(letters)
        word = layers.Group(letters).merge()
        self.ink.apply([word])
        self.texture.apply([word])
        if self.degraded:
            self.transform.apply([word])
            word = layers.Layer(word.output())
        return word

    def init_save(self, root: str) -> None: ...

    def save(self, root: str, data: Any, idx: int) -> None: ...

    def end_save(self, root: str) -> None: ...
