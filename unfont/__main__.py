"""`python -m unfont FILE…`: a line a picture, its script, probability and name."""

import argparse
import sys
from importlib.metadata import version

from unfont.errors import UserError
from unfont.text import shown


def main(arguments: list[str] | None = None) -> int:
    """Print the answer of every file; 0, or 2 where one cannot be read or an option is wrong."""
    parser = argparse.ArgumentParser(prog="python -m unfont", description="Which script is a picture written in?")
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures of words or lines")
    parser.add_argument("--among", help="only these scripts, such as Latn,Cyrl")
    parser.add_argument("--abstain-below", type=float, default=0.0, metavar="P", help="print ? below this probability")
    parser.add_argument("--model", help="an ONNX file that `unfont export` wrote; the shipped champion unless given")
    parser.add_argument("--version", action="version", version=f"unfont {version('unfont')}")
    given = parser.parse_args(arguments)
    try:
        return _print_answers(given)
    except UserError as error:
        print(f"unfont: {error}", file=sys.stderr)
        return 2


def _print_answers(given: argparse.Namespace) -> int:
    from unfont.api import identify
    from unfont.model import OnnxModel, champion

    model = OnnxModel(given.model) if given.model else champion()
    among = [name.strip() for name in given.among.split(",") if name.strip()] if given.among is not None else None
    status = 0
    for file in given.files:
        try:
            answer = identify(file, among=among, abstain_below=given.abstain_below, model=model)
        except UserError as error:
            if error.where in ("among", "abstain-below"):
                raise
            print(f"unfont: {error}", file=sys.stderr)
            status = 2
            continue
        shares = "".join(f"  {script} {share:.0%}" for script, share in answer.shares.items())
        print(f"{answer.script or '?'}\t{answer.p:.3f}\t{shown(file)}{shares}")
    return status


if __name__ == "__main__":
    sys.exit(main())
