"""Real pictures of words and lines: the model beside Tesseract's script detection, on the same files.

    python -m benchmarks.real FOLDER [--model MODEL_FOLDER]

FOLDER holds <set>/<kind>/<script>/<file>; kinds are lines, words, scene and letters, scripts ISO 15924 codes. The model
is the champion of the project in the working directory unless given. Writes benchmarks/results/real.json:
`sets.<set>/<kind>` and the kinds, each with `n`, `accuracy` of the model and `tesseract` (null where it is not
installed). Tesseract (`--psm 0`, two characters at least) is right on a picture without text where it finds no script.
"""

import argparse
import json
import shutil
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, timed
from tasks.common.params import UNWRITTEN, Params, read_params
from tasks.predict.champion import find_model, temperature_of
from tasks.predict.predict import predict_files
from tasks.predict.torch_model import TorchModel

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
    parser.add_argument("--model", type=Path, help="a model's folder; else the project's champion")
    arguments = parser.parse_args()
    params = read_params()
    files = pictures_of(arguments.folder)
    if not files:
        parser.error(f"there are no pictures ({arguments.folder}): give a folder of <set>/<kind>/<script>/<file>")
    result = compare(params, files, arguments.model or find_model(params), tesseract=shutil.which("tesseract"))
    OUT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps({kind: result[kind] for kind in KINDS if kind in result}, indent=2))


def pictures_of(folder: Path) -> list[Path]:
    """Every file of `folder`/<set>/<kind>/<script>, in order."""
    return sorted(path for kind in KINDS for path in folder.glob(f"*/{kind}/*/*") if path.is_file())


def compare(params: Params, files: list[Path], model: Path, *, tesseract: str | None) -> dict[str, Any]:
    """What the module's docstring names, with the milliseconds of a picture of both."""
    found: dict[str, str | None] = {}

    def predict() -> None:
        records, _ = predict_files(files, model=TorchModel.of_folder(model, temperature=temperature_of(params, model)))
        found.update({record["file"]: record["script"] for record in records})

    ours = timed(predict)
    theirs: dict[str, str | None] = {}
    if tesseract:
        seconds = timed(lambda: theirs.update((str(file), detect(file)) for file in files))
    rights: dict[str, Counter[str]] = defaultdict(Counter)
    for file in files:
        name, kind, script = file.parts[-4:-1]
        for group in (kind, f"{name}/{kind}"):
            rights[group]["n"] += 1
            rights[group]["ours"] += found.get(str(file)) == script
            rights[group]["theirs"] += (theirs.get(str(file)) or UNWRITTEN) == script
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
        "identify_ms": round(1000 * ours / len(files), 2),
        "ratio": {"tesseract": round(seconds / ours, 1) if tesseract else None},
        "machine": machine(),
    }


def detect(file: Path) -> str | None:
    """The script that Tesseract detects, as its ISO 15924 code; None where it finds none."""
    command = ["tesseract", str(file), "-", "--psm", "0", "-c", "min_characters_to_try=2"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    name = next((line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if line.startswith("Script:")), "")
    return NAMES.get(name)


if __name__ == "__main__":
    main()
