"""The splits: their names, which no other module spells, and what each is for.

A split's crops show designs (or another group) of one side and texts of one side; `tasks.fonts.designs` and
`tasks.crop_table.text_side` decide on which side each is.
"""

from typing import Final, Literal

TRAIN: Final = "train"
POOL: Final = "pool"  # where mining looks for hard negatives
VALIDATION: Final = "validation"
TEST_SEEN: Final = "test_seen"
TEST_UNSEEN: Final = "test_unseen"

SPLITS = (TRAIN, POOL, VALIDATION, TEST_SEEN, TEST_UNSEEN)  # in the table's order
TRAINING_SPLITS = (TRAIN, POOL)  # what a model may learn from
SELECTION_SPLIT = VALIDATION  # all choices are made on it: the model, temperatures, thresholds, a sweep's setting
REPORT_SPLIT = TEST_UNSEEN  # where models are compared, and what plots and pages show
TEST_SPLITS = (TEST_SEEN, TEST_UNSEEN)  # they choose nothing
MEASURED_SPLITS = (SELECTION_SPLIT, *TEST_SPLITS)
SEVERITY: Final = "light"  # of degradation: at which `SELECTION_SPLIT` chooses and `REPORT_SPLIT` is reported

TEST: Final = "test"  # the side of texts that both test splits share
TextSide = Literal["train", "validation", "test"]
DESIGN_SIDES = (TRAIN, VALIDATION, TEST_UNSEEN)
DESIGN_SIDE = {TRAIN: TRAIN, POOL: TRAIN, VALIDATION: VALIDATION, TEST_SEEN: TRAIN, TEST_UNSEEN: TEST_UNSEEN}
TEXT_SIDE: dict[str, TextSide] = {
    TRAIN: TRAIN, POOL: TRAIN, VALIDATION: VALIDATION, TEST_SEEN: TEST, TEST_UNSEEN: TEST,
}  # fmt: skip
