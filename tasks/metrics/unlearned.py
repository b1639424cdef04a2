"""What is said of writing with no script to name: of scripts that are not learned (`Zzzz`), of signs alone (`Zyyy`)."""

import pandas as pd

from unfont.labels import COMMON, MEANINGS, UNKNOWN

SURE = 0.8  # a script with this probability or more is taken for an answer: the `--abstain-below` of the docs


def unlearned_metrics(rows: pd.DataFrame) -> dict[str, float | int | None]:
    """How often such writing is called a script: one that is learned, so none of `Zxxx`, `Zyyy` and `Zzzz`.

    The scripts that `validation` and `test_unseen` have as `Zzzz` are not those that the label was learned from, so
    few are recognised. What hurts a user is less: a wrong script that looks sure.

    - `n_unlearned`: the `Zzzz` crops.
    - `unlearned_caught`: share of them that are not called a script.
    - `unlearned_sure`: share of them that are called a script with `p` at 0.8 or above.
    - `common_sure`: share of the `Zyyy` crops that are called a script with `p` at 0.8 or above.

    A share of no crops is None.

    Args:
        rows: `true`, `predicted`, `p`.
    """
    named = ~rows["predicted"].isin(list(MEANINGS)).to_numpy()
    sure = named & (rows["p"] >= SURE).to_numpy()
    unlearned, common = ((rows["true"] == label).to_numpy() for label in (UNKNOWN, COMMON))
    return {
        "n_unlearned": int(unlearned.sum()),
        "unlearned_caught": float((~named[unlearned]).mean()) if unlearned.any() else None,
        "unlearned_sure": float(sure[unlearned].mean()) if unlearned.any() else None,
        "common_sure": float(sure[common].mean()) if common.any() else None,
    }
