"""The user's own word lists: `<Script>.txt`, one word a line."""

import codecs
import unicodedata
from pathlib import Path

from tasks.common.drawing_settings import WordsSettings
from tasks.words.in_script import in_script
from unfont.errors import UserError

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # how a file starts that an editor saved as "Unicode"


def read_lists(settings: WordsSettings) -> dict[str, list[str]]:
    """Script → the words of its list, in NFC; other files of the folder (a README) are ignored.

    Raises:
        UserError: there is no such folder; a list is of none of `settings.scripts`, is neither UTF-8 nor UTF-16, or
            holds a word of another script or one that is too long.
    """
    folder = Path(settings.lists)
    if not folder.is_dir():
        raise UserError("the folder of word lists is missing", where=f"words.lists: {folder}", fix="make it")
    return {path.stem: _read_list(path, settings) for path in sorted(folder.glob("*.txt"))}


def _read_list(path: Path, settings: WordsSettings) -> list[str]:
    script = path.stem
    if script not in settings.scripts:
        raise UserError(
            "a word list is named by its script, and this is none of words.scripts",
            where=path,
            fix="name it as Cyrl.txt, or add the script to words.scripts",
        )
    words = []
    for number, line in enumerate(_text_of(path).splitlines(), start=1):
        word, where = unicodedata.normalize("NFC", line.strip()), f"{path}, line {number}"
        if not word:
            continue
        if not in_script(word, script):
            raise UserError(f"'{word:.40}' is no word in {script}", where=where, fix="one word of that script a line")
        if len(word) > settings.length:
            raise UserError(f"'{word:.40}' is too long", where=where, fix="shorten it, or raise words.length")
        words.append(word)
    return words


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"the word list cannot be read: {error.strerror}", where=path, fix="fix its path") from None
    encoding = "utf-16" if data.startswith(UTF_16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecoded(path, error.start) from None
    if "\0" in text:  # UTF-16 without its byte-order mark
        raise _undecoded(path, data.index(0))
    return text


def _undecoded(path: Path, byte: int) -> UserError:
    return UserError("the word list is not UTF-8", where=f"{path}, byte {byte}", fix="save it as UTF-8")
