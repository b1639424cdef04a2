"""Write values into `params.yaml` as a person would: comments kept, checked before they replace the file."""

from typing import Any

from ruamel.yaml import YAML

from tasks.common.files import written_whole
from tasks.common.params import PARAMS_FILE, read_params


def write_settings(wanted: dict[str, Any]) -> list[str]:
    """Set dotted keys of `params.yaml`; return a line for each change.

    Raises:
        UserError: the file would not be valid; it stays as it was.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    values = yaml.load(PARAMS_FILE)
    changes = []
    for dotted, value in wanted.items():
        *parents, key = dotted.split(".")
        section = values
        for parent in parents:
            section = section.setdefault(parent, {})
        if key not in section or section[key] != value:
            changes.append(f"{dotted}: {section.get(key)} -> {value}")
            section[key] = value
    if changes:
        with written_whole(PARAMS_FILE) as beside:
            yaml.dump(values, beside)
            read_params(beside)
    return changes
