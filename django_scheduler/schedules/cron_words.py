"""A cron expression in words, for people; nothing is decided from them.

The words are cron-descriptor's, in the language of the voice. It takes the names of days and
months from the process's locale and leaves out what its catalog lacks; both ends here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cron_descriptor import ExpressionDescriptor, FormatError, Options

from .cron_text import CronText, Reading, read_cron
from .speech import Untranslated, Voice

__all__ = ["describe_cron"]

_LANGUAGES = (
    "cs_CZ da_DK de_DE el_GR en_US es_ES fa_IR fi_FI fr_FR he_IL hu_HU it_IT ja_JP kk_KZ ko_KR "
    "nb_NO nl_NL pl_PL pt_PT ro_RO ru_RU sk_SK sl_SI sv_SE ta_IN th_TH tr_TR uk_UA vi_VN"
)
#: The library's catalogs by language.
LOCALES = {
    **{locale.partition("_")[0]: locale for locale in _LANGUAGES.split()},
    "es-mx": "es_MX",
    "no": "nb_NO",
    "zh": "zh_CN",
    "zh-hant": "zh_TW",
    "zh-tw": "zh_TW",
}

_EITHER, _ONLY = ", or on {0}", ", only on {0}"
_EVERY_DAY = ", every day"
#: What the library can say in another way where its catalog lacks these.
_OPTIONAL = frozenset(
    {
        "at {0} minutes past the hour [grThen20]",
        "at {0} seconds past the minute [grThen20]",
        ", second {0} through second {1}",
        ", minute {0} through minute {1}",
        ", hour {0} through hour {1}",
        ", month {0} through month {1}",
        ", year {0} through year {1}",
    }
)
#: Around a message that the catalog lacks: if it is still there in the end, it was needed.
_LACKING = "\0"


def describe_cron(expression: str, day_mode: str, voice: Voice) -> str:
    """The expression in words; its own text where words would mislead.

    Raises:
        Untranslated: the language lacks a word that is needed.
    """
    text = read_cron(expression)
    either = text.both_days_restricted and day_mode == "or"
    words = None if any(map(_beyond_words, text.readings)) else _told(text, either, voice)
    if words is None:
        return f"Cron {text.text}{_day_rule(text, either, voice)}"
    _, _, _, day, _, weekday = text.readings
    if "*" in (day.text, weekday.text) or _is_listed(weekday):
        return words
    return words + _day_rule(text, either, voice)


def _told(text: CronText, either: bool, voice: Voice) -> str | None:
    locale = LOCALES.get(voice.language) or LOCALES.get(voice.language.split("-")[0])
    if locale is None:
        raise Untranslated(voice.language)
    options = Options(use_24hour_time_format=True, locale_code=locale)
    try:
        words = str(_Teller(text, either, voice, options).get_description())
    except (FormatError, ValueError, IndexError):
        return None
    if _LACKING in words:
        raise Untranslated(words)
    return words


class _Teller(ExpressionDescriptor):  # type: ignore[misc]
    """The library, with names from the voice and nothing left out in silence."""

    def __init__(self, text: CronText, either: bool, voice: Voice, options: Options) -> None:
        self._text, self._either, self._voice = text, either, voice
        self._name: Callable[[str], str] | None = None
        fields = text.readings if text.seconds else text.readings[1:]
        super().__init__(" ".join(map(_spelled, fields)), options)

    def translate(self, message: str) -> str:
        """The library's translation; a mark if there is none and no other way to say it."""
        if message == _EITHER and not self._either:
            return self._only_if_also()
        found = str(super().translate(message))
        if found and (self._voice.is_english or found != message or " " not in message.strip()):
            return found
        return "" if message in _OPTIONAL else f"{_LACKING}{message}{_LACKING}"

    def _only_if_also(self) -> str:
        return ", and only if also on {0}" if self._voice.is_english else self.translate(_ONLY)

    def get_day_of_week_description(self) -> str:
        """The days of the week, named by the voice."""
        return self._named(self._weekday, super().get_day_of_week_description)

    def get_month_description(self) -> str:
        """The months, named by the voice."""
        return self._named(self._month, super().get_month_description)

    def _named(self, name: Callable[[str], str], describe: Callable[[], str]) -> str:
        self._name = name
        try:
            return describe()
        finally:
            self._name = None

    def _weekday(self, number: str) -> str:
        return self._voice.weekday(int(number[0]))

    def _month(self, number: str) -> str:
        return self._voice.month(int(number))

    def get_segment_description(
        self, expression: str, whole: str, name: Callable[[str], str], *formats: Any
    ) -> str:
        """A field; single values are named by the voice where it has names for them."""
        return str(super().get_segment_description(expression, whole, self._name or name, *formats))

    def transform_verbosity(self, description: str, *, use_verbose_format: bool = False) -> str:
        """The description without what goes without saying; a time of day needs its "every day"."""
        hour, day = self._text.readings[2], self._text.readings[3]
        kept = not hour.starred and day.text in ("*", "*/1")
        for message in (", every minute", ", every hour", *([] if kept else [_EVERY_DAY])):
            description = description.replace(self.translate(message), "")
        return description


def _spelled(reading: Reading) -> str:
    """The field as the library tells it best: steps it would tell as evenly spaced, as a list."""
    text = reading.text
    if "/" not in text or reading.special or _is_even(reading):
        return text
    return ",".join(map(str, sorted(reading.values)))


def _is_even(reading: Reading) -> bool:
    """True for a single step over hours, minutes or seconds that is equally long everywhere.

    Over days only a step of one is: from the 31st to the 1st it is a day, whatever the step.
    """
    if "," in reading.text:
        return False
    span, _, step = reading.text.partition("/")
    if reading.field.name == "day_of_month":
        return step == "1"
    timed = reading.field.name in ("second", "minute", "hour")
    return timed and (span != "*" or reading.field.cycle % int(step) == 0)


def _is_listed(reading: Reading) -> bool:
    """True if the library joins these weekdays with "or on"."""
    spelled = _spelled(reading)
    return not reading.special and ("-" not in spelled or "," in spelled)


def _day_rule(text: CronText, either: bool, voice: Voice) -> str:
    if either:
        return voice.say(" (either day field may match)")
    if text.both_days_restricted:
        return voice.say(" (both day fields must match)")
    return ""


def _beyond_words(reading: Reading) -> bool:
    """True for fields the library describes wrongly: special days in lists, wrapped ranges."""
    special = len(reading.special) + reading.last
    if special:
        return "," in reading.text
    named = bool(reading.field.names) or reading.field.name == "hour"
    return not named and any(_wraps(item) for item in reading.text.split(","))


def _wraps(item: str) -> bool:
    low, _, high = item.partition("/")[0].partition("-")
    return high != "" and low.isdigit() and int(low) > int(high)
