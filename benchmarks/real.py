"""Real pictures of words and lines: the model beside Tesseract's script detection, on the same files.

    python -m benchmarks.real FOLDER [--model NAME]

FOLDER holds <set>/<kind>/<script>/<file>; kinds are lines, words, scene and letters, scripts ISO 15924 codes. The model
is the one that answers in the working directory, unless one is named (as for `unfont predict --model`). Writes
benchmarks/results/real.json: `sets.<set>/<kind>` and the kinds, each with `n`, `accuracy` of the model and `tesseract`
(null where it is not installed). Tesseract (`--psm 0`, two characters at least) is right on a picture without text
where it finds no script. `turned.<degrees>`: accuracy of the lines and words turned counter-clockwise;
`calibration_error` of all pictures; `identify_ms` of a picture, file included, and `crops_per_s` of windows, in one
process with one thread; `import_s`: processor time that importing unfont costs.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine, timed
from flows.evaluate import models_of
from tasks.common.params import UNWRITTEN, read_params
from tasks.metrics.calibration import calibration_error
from tasks.predict.open_model import named_source, serving_model
from unfont.answers import BATCH, Model, answers
from unfont.picture import read_picture
from unfont.rank import Record

OUT = Path(__file__).resolve().parent / "results" / "real.json"
KINDS = ("lines", "words", "scene", "letters")
NAMES = {
    "Arabic": "Arab", "Armenian": "Armn", "Bengali": "Beng", "Cyrillic": "Cyrl", "Devanagari": "Deva",
    "Ethiopic": "Ethi", "Fraktur": "Latn", "Georgian": "Geor", "Greek": "Grek", "Gujarati": "Gujr",
    "Gurmukhi": "Guru", "Han": "Hani", "Hangul": "Kore", "Hebrew": "Hebr", "Japanese": "Jpan", "Kannada": "Knda",
    "Katakana": "Jpan", "Khmer": "Khmr", "Korean": "Kore", "Lao": "Laoo", "Latin": "Latn", "Malayalam": "Mlym",
    "Myanmar": "Mymr", "Oriya": "Orya", "Sinhala": "Sinh", "Tamil": "Taml", "Telugu": "Telu", "Thai": "Thai",
    "Tibetan": "Tibt",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", help="a model's name, folder or file; else the one that answers")
    arguments = parser.parse_args()
    params = read_params()
    files = pictures_of(arguments.folder)
    if not files:
        parser.error(f"there are no pictures ({arguments.folder}): give a folder of <set>/<kind>/<script>/<file>")
    models = models_of(params)
    source = named_source(params, arguments.model, models) if arguments.model else serving_model(params)
    result = {"model": source.name} | compare(files, source.open(), tesseract=shutil.which("tesseract"))
    OUT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps({kind: result[kind] for kind in KINDS if kind in result}, indent=2))


def pictures_of(folder: Path) -> list[Path]:
    """Every file of `folder`/<set>/<kind>/<script>, in order."""
    return sorted(path for kind in KINDS for path in folder.glob(f"*/{kind}/*/*") if path.is_file())


def compare(files: list[Path], model: Model, *, tesseract: str | None) -> dict[str, Any]:
    """What the module's docstring names."""
    records: list[Record] = []
    ours = timed(lambda: records.extend(records_of(files, model)))
    theirs: dict[Path, str | None] = {}
    if tesseract:
        seconds = timed(lambda: theirs.update((file, detect(file)) for file in files))
    p = np.array([record["p"] for record in records])
    right = [record[model.target] == file.parts[-2] for file, record in zip(files, records, strict=True)]
    rights: dict[str, Counter[str]] = defaultdict(Counter)
    for file, mine in zip(files, right, strict=True):
        name, kind, script = file.parts[-4:-1]
        for group in (kind, f"{name}/{kind}"):
            rights[group] += Counter(n=1, ours=int(mine), theirs=int((theirs.get(file) or UNWRITTEN) == script))
    values = {
        group: {
            "n": count["n"],
            "accuracy": round(count["ours"] / count["n"], 4),
            "tesseract": round(count["theirs"] / count["n"], 4) if tesseract else None,
        }
        for group, count in rights.items()
    }
    return {
        **{kind: values[kind] for kind in KINDS if kind in values},
        "sets": {group: value for group, value in values.items() if group not in KINDS},
        "calibration_error": round(calibration_error(p, np.array(right)) or 0.0, 4),
        "turned": {str(degrees): turned(files, model, degrees) for degrees in (90, 180, 270)},
        "identify_ms": round(1000 * ours / len(files), 2),
        "crops_per_s": crops_per_s(model),
        "import_s": import_s(),
        "ratio": {"tesseract": round(seconds / ours, 1) if tesseract else None},
        "machine": machine(),
    }


def records_of(files: list[Path], model: Model, *, degrees: int = 0) -> Iterator[Record]:
    for start in range(0, len(files), BATCH):
        pictures = [read_picture(file, channels=model.shape[2]) for file in files[start : start + BATCH]]
        yield from answers(model, [np.ascontiguousarray(np.rot90(one, degrees // 90)) for one in pictures])


def turned(files: list[Path], model: Model, degrees: int) -> dict[str, float]:
    """Accuracy of the pictures with text, by kind, turned."""
    text = [file for file in files if file.parts[-2] != UNWRITTEN and file.parts[-3] in ("lines", "words")]
    rights: dict[str, list[bool]] = defaultdict(list)
    for file, record in zip(text, records_of(text, model, degrees=degrees), strict=True):
        rights[file.parts[-3]].append(record[model.target] == file.parts[-2])
    return {kind: round(float(np.mean(right)), 4) for kind, right in rights.items()}


def crops_per_s(model: Model) -> int:
    """Crops that the network answers in a second."""
    height, width, channels = model.shape
    shape = (2048, height, width, *([3] if channels == 3 else []))
    crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return round(len(crops) / min(timed(lambda: model.probabilities(crops)) for _ in range(3)))


def import_s() -> float:
    """Seconds of processor time that `import unfont` with all that `identify` needs costs a process."""

    def cost(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return round(min(cost("import unfont; unfont.identify") - cost("pass") for _ in range(5)), 3)


def detect(file: Path) -> str | None:
    """The script that Tesseract detects, as its ISO 15924 code; None where it finds none."""
    command = ["tesseract", str(file), "-", "--psm", "0", "-c", "min_characters_to_try=2"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    name = next((line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if line.startswith("Script:")), "")
    return NAMES.get(name)


if __name__ == "__main__":
    main()
