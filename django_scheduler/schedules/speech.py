"""The language in which schedules are told; English until a voice is installed.

A sentence is told whole in the language that is active, or whole in English: never in a mixture,
and never in the language of the process's locale. Knows no framework: who has an active language
installs a source of voices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["CONTEXT", "ENGLISH", "Untranslated", "Voice", "in_words", "speak_with"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
#: Where catalogs have several meanings of a word, this one is meant.
CONTEXT = "schedule"
#: Translated as the code of the catalog's own language. A framework falls back to its default
#: language, and a sentence half in that one would be a mixture too.
CATALOG_LANGUAGE = "en"


class Untranslated(Exception):
    """The language lacks a word that the sentence needs."""


@dataclass(frozen=True)
class Voice:
    """How to say things in one language.

    Attributes:
        language: its code, such as ``de`` or ``pt-br``.
        weekdays: names of the days, Monday first.
        months: names of the months, January first.
        gettext: the translation of a message; the message itself if there is none.
        ngettext: the same for a message with a plural, given both and the number.
    """

    language: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    gettext: Callable[[str], str]
    ngettext: Callable[[str, str, int], str]

    @property
    def is_english(self) -> bool:
        """True if what is written in the source needs no translation."""
        return self.language.split("-")[0] == "en"

    def say(self, message: str, **values: object) -> str:
        """The message in this language, its ``{names}`` filled in.

        Raises:
            Untranslated: the language does not have it.
        """
        if not self.is_english:
            message = self._found(self.gettext(message), message)
        return message.format(**values)

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        """The message for ``number`` things, which is filled in as ``{count}``.

        Raises:
            Untranslated: the language does not have it.
        """
        message = one if number == 1 else many
        if not self.is_english:
            message = self._found(self.ngettext(one, many, number), one, many)
        return message.format(count=number, **values)

    def weekday(self, number: int) -> str:
        """The name of cron's day of this number; 0 and 7 are Sunday."""
        return self._name(self.weekdays, _WEEKDAYS, (number - 1) % 7)

    def month(self, number: int) -> str:
        """The name of the month of this number, from 1."""
        return self._name(self.months, _MONTHS, number - 1)

    def _name(self, names: tuple[str, ...], english: tuple[str, ...], index: int) -> str:
        # Single names may be equal in two languages, all of them never are.
        if not self.is_english and names == english:
            raise Untranslated(self.language)
        return english[index] if self.is_english else names[index]

    def _found(self, translation: str, *messages: str) -> str:
        language = self.gettext(CATALOG_LANGUAGE)
        if translation in messages or language.split("-")[0] != self.language.split("-")[0]:
            raise Untranslated(messages[0])
        return translation


ENGLISH = Voice("en", _WEEKDAYS, _MONTHS, str, lambda one, many, number: many)


def _english() -> Voice:
    return ENGLISH


_active: Callable[[], Voice] = _english


def speak_with(source: Callable[[], Voice] | None) -> None:
    """Schedules are told with the voice that ``source`` returns at that moment; None: English."""
    global _active  # noqa: PLW0603 - there is one active language a process asks for
    _active = source or _english


def in_words(tell: Callable[[Voice], str]) -> str:
    """What ``tell`` says in the active language; in English if that language lacks a word."""
    try:
        return tell(_active())
    except Untranslated:
        return tell(ENGLISH)
