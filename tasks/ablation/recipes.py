"""What is trained: the seven variants of the series' network, and the cures for what they do on new people."""

from dataclasses import dataclass

from models.pose_augment import AUGMENTATIONS
from models.settings import NetworkSettings
from models.small_network import SmallNetworkSettings
from tasks.ablation.faces import POSES
from tasks.common.params import AblationSettings
from unfont.errors import UserError

BASE, FOUR = "base", "four-class"
MORE_DENSE = 3  # dense layers that `deeper-dense` has more
TIMES_WIDER = 4  # the units of `wider-dense`, of base's
LOOKS_LEFT = ("left", "not left")
AUGMENTED = tuple(AUGMENTATIONS)
MOVED = ("shifts", "mirror", "crops")  # where the head is, and how large
# Where something is does not matter to it, and it is standardised and normalised: the other kind of network.
POOLED = NetworkSettings(channels=[16, 24, 32, 48], downsampling=3, embedding=64, dropout=0.0)
MODES = ("conditional", "pairs", "erasure")  # of invariance, that are tried on the person


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One way to train one network.

    Attributes:
        change: what it changes of base, in words.
        four: whether it predicts the pose, and not only whether that is left.
        modes: of invariance, as `models.settings.MODE_NAMES`.
        augment: names of `models.pose_augment.AUGMENTATIONS`.
        mined: augmentations of the pool from which misread pictures are added.
    """

    name: str
    change: str
    network: SmallNetworkSettings | NetworkSettings
    four: bool = False
    modes: tuple[str, ...] = ()
    augment: tuple[str, ...] = ()
    mined: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        return POSES if self.four else LOOKS_LEFT


def base_of(settings: AblationSettings) -> SmallNetworkSettings:
    """The series' first network."""
    return SmallNetworkSettings(filters=settings.filters, dense=settings.dense)


def variants_of(settings: AblationSettings) -> dict[str, Recipe]:
    """The series' networks by name: each is one change of base."""
    filters, dense = settings.filters, settings.dense
    base = base_of(settings)
    fewer = base.model_copy(update={"filters": [max(1, count // 2) for count in filters]})
    deeper = base.model_copy(update={"dense": MORE_DENSE * dense[:1] + dense})
    wider = base.model_copy(update={"dense": [TIMES_WIDER * units for units in dense]})
    found = (
        Recipe(name=BASE, change="its convolutions, dense layers, two-way softmax", network=base),
        Recipe(name="fewer-filters", change="half the filters in each convolution", network=fewer),
        Recipe(name="deeper-dense", change=f"{MORE_DENSE} dense layers more", network=deeper),
        Recipe(name="wider-dense", change=f"every dense layer {TIMES_WIDER} times as wide", network=wider),
        Recipe(name=FOUR, change="left, right, straight, up", network=base, four=True),
        Recipe(name="no-dense", change="only the decision layer", network=base.model_copy(update={"dense": []})),
        Recipe(name="linear-mse", change="linear outputs, mean squared error",
               network=base.model_copy(update={"output": "linear"})),
    )  # fmt: skip
    return {recipe.name: recipe for recipe in found}


def cures_of(settings: AblationSettings) -> dict[str, Recipe]:
    """What could close the gap to new people, by name: base's network on the four poses, trained otherwise."""
    raw = base_of(settings)
    own_contrast = raw.model_copy(update={"standardised": True})

    def cure(
        name: str, change: str, network: SmallNetworkSettings | NetworkSettings = raw, *, modes: tuple[str, ...] = (),
        augment: tuple[str, ...] = (), mined: tuple[str, ...] = (),
    ) -> Recipe:  # fmt: skip
        return Recipe(name=name, change=change, network=network, four=True, modes=modes, augment=augment, mined=mined)

    every = "standardised+augmented"
    found = [
        *(cure(mode, "unlearns the person", modes=(mode,)) for mode in MODES),
        cure("standardised", "each picture at mean 0 and deviation 1", own_contrast),
        cure("augmented", "all five augmentations", augment=AUGMENTED),
        cure(every, "both", own_contrast, augment=AUGMENTED),
        cure("standardised+moved", "standardised; shifts, mirror and crops", own_contrast, augment=MOVED),
        cure("pooled", "this project's kind of network, pooled over the picture", POOLED),
        cure("pooled+augmented", "that, and all five augmentations", POOLED, augment=AUGMENTED),
        cure(f"{every}+pairs", "both, and pairs", own_contrast, augment=AUGMENTED, modes=("pairs",)),
        *(cure(name, "this augmentation alone", augment=(name,)) for name in AUGMENTED),
        cure("mined", "misread ones of augmented pictures are mined", mined=AUGMENTED),
        cure("mined+pairs", "both", modes=("pairs",), mined=AUGMENTED),
    ]
    return {recipe.name: recipe for recipe in found}


def chosen_recipes(settings: AblationSettings, only: str | None) -> dict[str, Recipe]:
    """Those that `only` names (a list with commas; None: all), base, and four-class, over which a cure gains.

    Raises:
        UserError: there is no such variant or cure.
    """
    known = variants_of(settings) | cures_of(settings)
    names = [name.strip() for name in only.split(",") if name.strip()] if only is not None else list(known)
    for name in names:
        if name not in known:
            raise UserError(f"there is no variant '{name}'", where="--only", fix=f"choose of {', '.join(known)}")
    needed = {BASE, *names} | ({FOUR} if set(names) & set(cures_of(settings)) else set())
    return {name: recipe for name, recipe in known.items() if name in needed}
