"""The command line: its table of commands and its exit statuses. The commands themselves are in `apps/commands`."""

import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any, Literal

import typer

from apps.commands import look, run, stages, sweep, use, watch
from flows.interrupts import SAID
from flows.logs import quiet_logging
from unfont.errors import UserError

COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Run the pipeline": {
        "run": run.run,
        "join": run.join,
        "setup": run.setup,
        "doctor": run.doctor,
        "profile": run.profile,
    },
    "Run one stage alone, stale or not (as dvc repro --force --single-item)": {
        "fonts": stages.fonts,
        "words": stages.words,
        "crops": stages.crops,
        "tag": stages.tag,
        "round": stages.mining_round,
        "invariance": stages.invariance,
        "evaluate": stages.evaluate,
        "probe": stages.probe,
        "report": stages.report,
    },
    "Try settings": {"sweep": sweep.sweep, "ablation": sweep.ablation},
    "Follow single crops": {"review": look.review, "history": look.history},
    "Look inside the network": {
        "compare": look.compare,
        "explain": look.explain,
        "draw": look.draw,
        "influence": look.influence,
        "live": look.live,
    },
    "Use the model": {
        "predict": use.predict,
        "export": use.export,
        "register": use.register,
        "promote": use.promote,
        "rollback": use.rollback,
    },
    "Watch and schedule": {"ui": watch.ui, "serve": watch.serve},
}

COMPLETE = "_UNFONT_COMPLETE"  # set by a shell that asks how to go on
INTERRUPTED = 130  # Typer's status for Ctrl-C
# Typer brings its own copy of click and names but one of its usage errors.
USAGE_ERROR: Any = typer.BadParameter.__base__

app = typer.Typer(
    name="unfont",
    epilog="Exit status: 0 done, 1 failed, 2 wrong input. Every parameter is in params.yaml.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_versions(wanted: bool) -> None:
    if wanted:
        print(f"unfont {version('unfont')} (unfont-pipeline {version('unfont-pipeline')})")
        raise typer.Exit


def _print_completion(shell: str | None) -> None:
    if shell is not None:
        from typer.completion import get_completion_script  # type: ignore[attr-defined]

        script = get_completion_script(prog_name="unfont", complete_var=COMPLETE, shell=shell)  # nosec B604
        print(script)
        raise typer.Exit


@app.callback()
def options(
    versions: Annotated[
        bool, typer.Option("--version", help="Print the versions.", callback=_print_versions, is_eager=True)
    ] = False,
    # Typer's own asks which shell runs, and adds a second option.
    shell: Annotated[
        Literal["bash", "zsh", "fish"] | None,
        typer.Option(
            "--show-completion", help="Print a shell's completion.", callback=_print_completion, is_eager=True
        ),
    ] = None,
) -> None:
    """Script identification for word and line images: the script of a text, whatever its font."""


for _panel, _commands in COMMANDS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_panel)(_command)


def main() -> None:
    """The `unfont` command: a wrong input is one line and status 2, never a traceback."""
    quiet_logging()
    if COMPLETE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    try:
        status = app(standalone_mode=False, prog_name="unfont", complete_var=COMPLETE)
    except UserError as error:
        print(f"unfont: {error}", file=sys.stderr)
        sys.exit(2)
    except USAGE_ERROR as error:
        command = error.ctx.command_path if error.ctx else "unfont"
        print(f"unfont: {error.format_message()} ({command}): see {command} --help", file=sys.stderr)
        sys.exit(2)
    except PermissionError as error:
        print(f"unfont: {error.strerror} ({error.filename}): make it writable and readable", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        logging.getLogger("unfont").error("unfont: failed", exc_info=error)
        sys.exit(1)
    if status == INTERRUPTED:
        print(SAID, file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
