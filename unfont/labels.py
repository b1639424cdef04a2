"""Labels with a meaning of their own."""

from typing import Final

UNWRITTEN: Final = "Zxxx"  # ISO 15924: a picture without writing
COMMON: Final = "Zyyy"  # … and of digits, punctuation and symbols alone, which all scripts share
UNKNOWN: Final = "Zzzz"  # … and in a script that is not learned

MEANINGS: Final = {
    UNWRITTEN: "pictures with no text in them",
    COMMON: "digits, punctuation and symbols alone",
    UNKNOWN: "writing in scripts that are not learned",
}
