"""Labels with a meaning of their own."""

from typing import Final

UNWRITTEN: Final = "Zxxx"  # ISO 15924: a picture without writing
COMMON: Final = "Zyyy"  # … and of digits, punctuation and symbols alone, which all scripts share
