"""Whole numbers in words and letters: exact, where the library computes with doubles."""

from __future__ import annotations

from typing import Any, Final

from jsonata.datetimeutils import DateTimeUtils

_SMALL: Final = (
    *("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve"),
    *("Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"),
)
_TENS: Final = ("Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety")
_ORDINALS: Final = {
    "One": "First",
    "Two": "Second",
    "Three": "Third",
    "Five": "Fifth",
    "Eight": "Eighth",
    "Nine": "Ninth",
    "Twelve": "Twelfth",
}
_ORDINAL_ENDS: Final = {"1": "st", "2": "nd", "3": "rd"}
_SCALES: Final = ((10**12, "Trillion"), (10**9, "Billion"), (10**6, "Million"), (10**3, "Thousand"))


def words(value: int, ordinal: bool) -> str:
    """A number in English words, as XPath's ``format-integer`` writes them.

    :param value: the number, 0 or more
    :param ordinal: whether "first" is meant rather than "one"
    """
    text = _cardinal(value)
    if not ordinal:
        return text
    at = max(text.rfind(" "), text.rfind("-")) + 1
    return text[:at] + _ordinal(text[at:])


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"


def _cardinal(value: int) -> str:
    if value < 20:  # noqa: PLR2004 - these have words of their own
        return _SMALL[value]
    if value < 100:  # noqa: PLR2004 - tens
        tens, rest = divmod(value, 10)
        return _TENS[tens - 2] + (f"-{_SMALL[rest]}" if rest else "")
    if value < 1000:  # noqa: PLR2004 - hundreds
        hundreds, rest = divmod(value, 100)
        return f"{_SMALL[hundreds]} Hundred" + (f" and {_cardinal(rest)}" if rest else "")
    scale, name = next((size, name) for size, name in _SCALES if value >= size)
    many, rest = divmod(value, scale)
    joint = " and " if rest < 100 else ", "  # noqa: PLR2004 - as in "one thousand and one"
    return f"{_cardinal(many)} {name}" + (joint + _cardinal(rest) if rest else "")


def letters(value: int, first: str) -> str:
    """A number as spreadsheets name their columns: a, b, …, z, aa, ab, …"""
    text = ""
    while value > 0:
        value, place = divmod(value - 1, 26)
        text = chr(ord(first) + place) + text
    return text


def decimal(value: int, picture: Any) -> str:
    """A number in digits, with its separators, by what the library made of a picture."""
    text = str(value).rjust(picture.mandatoryDigits, "0")
    text = "".join(chr(ord(digit) + picture.zeroCode - ord("0")) for digit in text)
    if picture.regular:
        distance, sign = picture.groupingSeparators[0].position, picture.groupingSeparators[0].character
        for place in range((len(text) - 1) // distance * distance, 0, -distance):
            text = text[: len(text) - place] + sign + text[len(text) - place :]
    else:
        for separator in sorted(picture.groupingSeparators, key=lambda each: -each.position):
            at = max(len(text) - separator.position, 0)
            text = text[:at] + separator.character + text[at:]
    if not picture.ordinal:
        return text
    teens = len(text) > 1 and text[-2] == "1"
    return text + ("th" if teens else _ORDINAL_ENDS.get(text[-1], "th"))


_format = DateTimeUtils._format_integer


def _format_integer(value: int, picture: Any) -> str:
    if picture.primary is not DateTimeUtils.Formats.DECIMAL:
        return str(_format(value, picture))
    return ("-" if value < 0 else "") + decimal(abs(value), picture)


DateTimeUtils._format_integer = staticmethod(_format_integer)
DateTimeUtils.number_to_words = staticmethod(words)
DateTimeUtils._decimal_to_letters = staticmethod(letters)
