"""What stands between the words of a line, script by script."""

from tasks.crop_table.other_scripts import OTHER_SCRIPTS, script_of_text
from tasks.crop_table.text_side import digest_of
from unfont.labels import UNKNOWN

# Of scripts that set no spaces between words; Tibetan sets a dot between syllables.
JOINTS = {"Hani": "", "Jpan": "", "Khmr": "", "Laoo": "", "Mymr": "", "Thai": "", "Tibt": "\u0f0b"}
ETHIOPIC_SPACE = "\u1361"  # two dots, in manuscripts and older prints


def as_written(text: str, script: str) -> str:
    """The line `text`, whose words have spaces between them, as its script sets it; half of the Ethiopic ones dotted.

    >>> as_written("東京 大阪", "Jpan")
    '東京大阪'
    """
    if script == "Ethi" and digest_of("ethiopic space", text)[0] % 2:
        return text.replace(" ", ETHIOPIC_SPACE)
    joint = OTHER_SCRIPTS[script_of_text(text)].joint if script == UNKNOWN else JOINTS.get(script, " ")
    return text.replace(" ", joint)
