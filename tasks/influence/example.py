"""A retail table with known causes: next month's sales of a store's item categories."""

from pathlib import Path

import numpy as np
import pandas as pd

from tasks.common.files import written_whole

TARGET = "next_month_sales"
CAUSES = ("item_category", "date", "price", "promotion", "store_size")  # the strongest first
IRRELEVANT = "shelf_colour"
CATEGORIES = {"toys": 0.9, "garden": 0.5, "electronics": 1.6, "books": -0.6, "groceries": 2.2, "clothing": 0.2,
              "stationery": -1.6, "sports": -1.1}  # fmt: skip
# What the coming month adds to every category, from January on; and to these two in their season.
SEASON = (-0.9, -0.7, -0.3, 0.0, 0.1, 0.0, -0.1, -0.1, 0.0, 0.2, 0.6, 1.2)
PEAKS = {"toys": {10: 1.5, 11: 2.2}, "garden": {3: 1.2, 4: 1.6, 5: 1.3}}
PRICE, PROMOTION, SIZE, NOISE = -0.45, 0.6, 0.18, 0.25  # of a deviation of the price; of a promotion; …


def write_example(path: Path, *, rows: int = 6000, seed: int = 0) -> None:
    """Write the example as CSV: sales depend on `CAUSES`, each less than the one before, and not on `IRRELEVANT`.

    Sales are a sum: what a category sells, the season, toys' November and December, garden's spring, a lower price,
    a promotion, the store's size, and noise.
    """
    random = np.random.default_rng(seed)
    month = random.integers(0, 36, rows)
    category = random.choice([*CATEGORIES], rows)
    price, promotion, size = random.normal(size=rows), random.random(rows) < 0.3, random.normal(size=rows)
    peaks = [PEAKS.get(name, {}).get(at % 12, 0.0) for name, at in zip(category, month.tolist(), strict=True)]
    level = (
        np.array([CATEGORIES[name] for name in category])
        + np.array(SEASON)[month % 12]
        + np.array(peaks)
        + PRICE * price
        + PROMOTION * promotion
        + SIZE * size
        + NOISE * random.normal(size=rows)
    )
    table = pd.DataFrame(
        {
            "date": (np.datetime64("2023-01") + month).astype("datetime64[D]").astype(str),
            "item_category": category,
            "price": np.round(20 + 5 * price, 2),
            "promotion": np.where(promotion, "yes", "no"),
            "store_size": np.round(1200 + 300 * size).astype(int),
            IRRELEVANT: random.choice(["white", "grey", "oak", "black", "red"], rows),
            TARGET: np.round(100 + 40 * level, 1),
        }
    )
    with written_whole(path) as beside:
        table.to_csv(beside, index=False)
