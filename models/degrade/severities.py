"""The corruptions of every evaluation: never to be changed, or metrics of different times cannot be compared."""

from models.settings import DegradeSettings

SEVERITIES: dict[str, DegradeSettings | None] = {
    "clean": None,
    "light": DegradeSettings(
        rotation=1.5, shear=0.08, scale=0.08, shift=0.02, perspective=0.04, bend=0.0, stroke=0.2, colour=0.25,
        texture=0.1, contrast=0.3, invert=0.1, shadow=0.15, motion=0.8, blur=0.6, resolution=0.15, noise=0.03, jpeg=0.4,
    ),
    "medium": DegradeSettings(
        rotation=3.0, shear=0.16, scale=0.15, shift=0.04, perspective=0.08, bend=0.3, stroke=0.35, colour=0.5,
        texture=0.2, contrast=0.5, invert=0.2, shadow=0.35, motion=1.6, blur=1.0, resolution=0.3, noise=0.06, jpeg=0.7,
    ),
    "heavy": DegradeSettings(
        rotation=6.0, shear=0.3, scale=0.25, shift=0.08, perspective=0.16, bend=0.6, stroke=0.6, colour=0.75,
        texture=0.4, contrast=0.7, invert=0.4, shadow=0.6, motion=3.0, blur=1.6, resolution=0.45, noise=0.12, jpeg=0.9,
    ),
    "scan": DegradeSettings(
        rotation=1.0, shear=0.04, scale=0.08, shift=0.02, perspective=0.0, bend=0.2, stroke=0.4, colour=0.0,
        texture=0.08, contrast=0.3, invert=0.0, shadow=0.0, motion=0.0, blur=0.6, resolution=0.4, noise=0.02, jpeg=0.4,
        wear=0.18, halftone=0.25, show_through=0.25, speckle=0.025, binarise=0.2,
    ),
}  # fmt: skip
