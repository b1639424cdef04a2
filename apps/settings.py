"""Write values into `params.yaml` as a person would: comments kept, checked before they replace the file."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

from tasks.common.files import written_whole
from tasks.common.params import PARAMS_FILE, read_params


def write_settings(wanted: dict[str, Any]) -> list[str]:
    """Set dotted keys of `params.yaml`; return a line for each change.

    Raises:
        UserError: the file would not be valid; it stays as it was.
    """
    yaml = _yaml()
    values = yaml.load(PARAMS_FILE)
    changes = []
    for dotted, value in wanted.items():
        *parents, key = dotted.split(".")
        section = values
        for parent in parents:
            section = section.setdefault(parent, {})
        if key not in section or section[key] != value:
            changes.append(f"{dotted}: {section.get(key)} -> {value}")
            section[key] = _in_a_line(value) if isinstance(value, list) else value
    if changes:
        with written_whole(PARAMS_FILE) as beside:
            yaml.dump(values, beside)
            read_params(beside)
    return changes


def _yaml() -> YAML:
    """One that leaves all that is not changed as it is written."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000  # no line is broken
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    return yaml


def _in_a_line(values: list[Any]) -> CommentedSeq:
    listed = CommentedSeq(values)
    listed.fa.set_flow_style()
    return listed
