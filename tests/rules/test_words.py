"""What schedules say of themselves: every kind, every option, what DST does to them."""

from __future__ import annotations

import locale

import pytest
from cron_descriptor import ExpressionDescriptor

from django_scheduler.schedules import effects, parse_schedule, speech
from django_scheduler.schedules.wall import shifts_between, zone_called

from .times import at

PARIS_GAP = "when 02:30 does not exist, at 03:00"
PARIS_FOLD = "when 02:30 comes twice, the first time only"

#: What "every 2 days" would hide: the 31st and the 1st follow each other.
ODD = "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, and 31"

COMMON = [
    ("* * * * *", "Every minute"),
    ("*/5 * * * *", "Every 5 minutes"),
    ("0 * * * *", "Every hour"),
    ("30 * * * *", "At 30 minutes past the hour"),
    ("0,30 * * * *", "At 0 and 30 minutes past the hour"),
    ("0 */2 * * *", "Every 2 hours"),
    ("0 0 * * *", "At 00:00, every day"),
    ("0 3 * * *", "At 03:00, every day"),
    ("30 0 3 * * *", "At 03:00:30, every day"),
    ("0 9,17 * * *", "At 09:00 and 17:00, every day"),
    ("0 9 * * 1-5", "At 09:00, Monday through Friday"),
    ("0 9 * * MON-FRI", "At 09:00, Monday through Friday"),
    ("0 9 * * 1", "At 09:00, only on Monday"),
    ("0 9 * * 6,0", "At 09:00, only on Saturday and Sunday"),
    ("0 9 * * 7", "At 09:00, only on Sunday"),
    ("0 0 1 * *", "At 00:00, on day 1 of the month"),
    ("0 9 1,15 * *", "At 09:00, on day 1 and 15 of the month"),
    ("@yearly", "At 00:00, on day 1 of the month, only in January"),
    ("0 9 * 6-8 *", "At 09:00, every day, June through August"),
    ("*/15 9-17 * * 1-5", "Every 15 minutes, between 09:00 and 17:59, Monday through Friday"),
    ("0 0 L * *", "At 00:00, on the last day of the month"),
    ("0 9 LW * *", "At 09:00, on the last weekday of the month"),
    ("0 9 * * 5L", "At 09:00, on the last Friday of the month"),
    ("0 9 * * MON#1", "At 09:00, on the first Monday of the month"),
    ("0 9 15W * *", "At 09:00, on the weekday nearest day 15 of the month"),
    ("0 22-2 * * *", "At 0 minutes past the hour, between 22:00 and 02:59, every day"),
    ("*/10 * * * * *", "Every 10 seconds"),
]

UNEVEN = [
    ("*/20 * * * *", "Every 20 minutes"),
    ("*/25 * * * *", "At 0, 25, and 50 minutes past the hour"),
    ("0 */5 * * *", "At 00:00, 05:00, 10:00, 15:00 and 20:00"),
    ("10-59/5 * * * *", "Every 5 minutes, minutes 10 through 59 past the hour"),
    ("5,10-30/10 1 * * *", "At 5, 10, 20, and 30 minutes past the hour, at 01:00, every day"),
    ("0 9 * * */2", "At 09:00, only on Sunday, Tuesday, Thursday, and Saturday"),
    ("0 0 1 */5 *", "At 00:00, on day 1 of the month, only in January, June, and November"),
    ("0 9 */10 * *", "At 09:00, on day 1, 11, 21, and 31 of the month"),
    (
        "1,2,3,*/6 1 * * *",
        "At 0, 1, 2, 3, 6, 12, 18, 24, 30, 36, 42, 48, and 54 minutes past the hour, at 01:00, "
        "every day",
    ),
    ("0 9 */2 * *", f"At 09:00, on day {ODD} of the month"),
    ("0 9 1-31/2 * *", f"At 09:00, on day {ODD} of the month"),
    (
        "0 9 1-20,22-31/3 * *",
        f"At 09:00, on day {', '.join(map(str, range(1, 21)))}, 22, 25, 28, and 31 of the month",
    ),
    ("0 9 */1 * *", "At 09:00, every day"),
    ("0 9 1-20/1 * *", "At 09:00, between day 1 and 20 of the month"),
]

DAY_RULE = [
    ("0 3 1 * MON", "At 03:00, on day 1 of the month, or on Monday"),
    ("0 3 1 * 1-3,5", "At 03:00, on day 1 of the month, or on Monday through Wednesday and Friday"),
    ("0 3 1 * MON day_mode=and", "At 03:00, on day 1 of the month, and only if also on Monday"),
    ("0 3 */2 * MON", f"At 03:00, on day {ODD} of the month, and only if also on Monday"),
    ("0 3 */2 * 1-5", f"At 03:00, on day {ODD} of the month, Monday through Friday"),
    (
        "0 3 1 * 1-5",
        "At 03:00, on day 1 of the month, Monday through Friday (either day field may match)",
    ),
    (
        "0 3 1 * MON#1 day_mode=and",
        "At 03:00, on day 1 of the month, on the first Monday of the month "
        "(both day fields must match)",
    ),
]

DST = [
    ("30 2 * * *", "Europe/Paris", f"; {PARIS_GAP}; {PARIS_FOLD}"),
    (
        "30 2 * * * gap=skip fold=both",
        "Europe/Paris",
        "; when 02:30 does not exist, not at all; when 02:30 comes twice, both times",
    ),
    (
        "30 2 * * * fold=last",
        "Europe/Paris",
        f"; {PARIS_GAP}; when 02:30 comes twice, the second time only",
    ),
    (
        "0,30 2 * * *",
        "Europe/Paris",
        "; when a time does not exist, at 03:00; when a time comes twice, the first time only",
    ),
    ("0 2,3 * * *", "Europe/Paris", "; when 02:00 comes twice, the first time only"),
    ("30 2 * * 1", "Europe/Paris", ""),
    ("30 4 * * *", "Europe/Paris", ""),
    ("30 2 * * *", "Europe/Moscow", ""),
    ("30 2 * * *", "UTC", ""),
    (
        "0 */2 * * *",
        "Europe/Paris",
        "; when 02:00 does not exist, not at all; when 02:00 comes twice, both times",
    ),
    ("*/30 * * * *", "Europe/Paris", ""),
    ("*/30 * * * *", "Australia/Lord_Howe", ""),
    ("0 * * * *", "Australia/Lord_Howe", "; when 02:00 does not exist, not at all"),
    ("0 0 * * *", "America/Santiago", "; when 00:00 does not exist, at 01:00"),
    ("@every 1d", "America/Santiago", "; when 00:00 does not exist, at 01:00"),
    ("@every 1d after finish", "America/Santiago", ""),
]


def _cron_words(text: str, zone: str = "UTC") -> str:
    schedule = parse_schedule(text, zone)
    words = schedule.describe()
    assert f", {zone}" in words
    return words.replace(f", {zone}", "", 1)


@pytest.mark.parametrize(("text", "words"), [*COMMON, *UNEVEN, *DAY_RULE])
def test_cron_in_words(text, words):
    """S13: what people say; a list where "every" would mislead; the day rule where it decides."""
    assert _cron_words(text) == words


@pytest.mark.parametrize(("text", "zone", "words"), DST)
def test_what_dst_does_is_said_where_it_does_something(text, zone, words):
    """S13: only what the zone's standing rule does to this very time."""
    told = parse_schedule(text, zone).describe()
    assert told.partition(zone)[2] == words


def test_gaps_that_end_at_several_times_are_told_together(monkeypatch):
    """No zone has such a rule today; a decree may make one."""
    start, end = (at(f"{year}-01-01 00:00").replace(tzinfo=None) for year in (2030, 2031))
    shifts = tuple(
        shift
        for zone in ("Europe/Paris", "Australia/Lord_Howe")
        for shift in shifts_between(zone_called(zone), start, end)
    )
    monkeypatch.setattr(effects, "_standing_shifts", lambda zone: shifts)
    words = effects.standing_words(parse_schedule("15 2 * * *", "Europe/Paris"), speech.ENGLISH)
    assert words.startswith("; when 02:15 does not exist, right after the gap; when 02:15 comes")


def test_an_instant_is_told_on_the_clock_of_its_zone():
    """S13: with the offset, which tells the two passes of a repeated hour apart."""
    text = "@at 2026-10-25T01:30:00Z"
    assert parse_schedule(text).describe() == "Once, at 2026-10-25 01:30:00+00:00"
    told = parse_schedule(text, "Europe/Paris").describe()
    assert told == "Once, at 2026-10-25 02:30:00+01:00, Europe/Paris"


def test_whole_days_start_on_the_clock_of_their_zone():
    schedule = parse_schedule("@every 2d from 2026-01-01T08:00:00Z", "Europe/Paris")
    assert schedule.describe() == "Every 2 days from 2026-01-01 09:00:00+01:00, Europe/Paris"
    without = parse_schedule("@every 2d from 2026-01-01T08:00:00Z")
    assert without.describe() == "Every 2 days from 2026-01-01 08:00:00+00:00, UTC"


GERMAN_DAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
GERMAN_MONTHS = tuple(f"Monat {number}" for number in range(1, 13))


@pytest.fixture
def speak():
    """Makes schedules speak with a voice for the test; in the end as before."""
    before = speech._active
    yield lambda **given: speech.speak_with(lambda: _voice(**given))
    speech.speak_with(before)


def _voice(
    language="de", weekdays=GERMAN_DAYS, months=GERMAN_MONTHS, known=None, catalog=None
) -> speech.Voice:
    words = {"en": catalog or language, **(known or {})}
    return speech.Voice(
        language,
        weekdays,
        months,
        lambda message: words.get(message, message),
        lambda one, many, number: words.get(many, one if number == 1 else many),
    )


def test_names_of_days_and_months_are_the_voices(speak):
    speak()
    assert _cron_words("0 9 * 6 1") == "Um 09:00, nur am Mo, nur im Monat 6"
    assert _cron_words("0 9 * 1-2 0-2") == "Um 09:00, So bis Di, Monat 1 bis Monat 2"
    speak(language="de-at")
    assert _cron_words("0 9 * * 5L") == "Um 09:00, am letzten Fr des Monats"


@pytest.mark.parametrize(
    "given",
    [
        {"language": "eo"},
        {"weekdays": speech.ENGLISH.weekdays},
        {"months": speech.ENGLISH.months},
    ],
    ids=["no words", "no names of days", "no names of months"],
)
def test_a_language_that_lacks_a_word_is_left_for_english_as_a_whole(speak, given):
    """S13: never a mixture."""
    speak(**given)
    assert _cron_words("0 9 1 1 1") == (
        "At 09:00, on day 1 of the month, or on Monday, only in January"
    )


def test_a_word_the_library_never_translated_is_not_taken_for_one(speak):
    """Its French "every {0} days of the week" is English; here nothing needs it."""
    speak(language="fr")
    assert _cron_words("0 9 * * */2") == "À 09:00, uniquement le So, Di, Do, et Sa"
    speak(language="ko")
    assert _cron_words("0 3 1 * MON") == "At 03:00, on day 1 of the month, or on Monday"


def test_a_language_without_a_catalog_is_not_taken_for_the_process_s_own(speak, monkeypatch):
    """S13: never in the language of the process's locale."""
    monkeypatch.setattr(locale, "getlocale", lambda *_: ("de_DE", "UTF-8"))
    speak(language="eo")
    assert _cron_words("0 9 * * 1") == "At 09:00, only on Monday"


@pytest.mark.parametrize(
    ("left", "expression", "told"),
    [
        (", only on {0}", "0 9 * * 1", "At 09:00, only on Monday"),
        # A single word may be the same in two languages.
        (" and ", "0 9 1,15 * *", "Um 09:00, am 1 and 15 Tag des Monats"),
    ],
)
def test_a_phrase_left_in_english_is_none_of_that_language(
    speak, monkeypatch, left, expression, told
):
    """S13: what a catalog repeats was never translated."""
    found = ExpressionDescriptor.translate
    monkeypatch.setattr(
        ExpressionDescriptor,
        "translate",
        lambda self, message: message if message == left else found(self, message),
    )
    speak()
    assert _cron_words(expression) == told


def test_own_words_are_the_catalogs_of_that_language_or_english(speak):
    """A framework falls back to its default language: with that the sentence would be mixed."""
    known = {"Only when triggered": "Nur auf Wunsch", "Every {count} days": "Alle {count} Tage"}
    manual = parse_schedule("@manual")
    speak(known=known)
    assert manual.describe() == "Nur auf Wunsch"
    speak(known=known, catalog="fr")
    assert manual.describe() == "Only when triggered"
    speak(known={})
    assert manual.describe() == "Only when triggered"
    speak(known={**known, "{every} after the last run has finished": "{every} danach"})
    assert parse_schedule("@every 3d after finish").describe() == "Alle 3 Tage danach, UTC"
    assert parse_schedule("@every 3h after finish").describe().startswith("Every 3 hours")


def test_a_both_rule_is_said_in_the_librarys_own_words_abroad(speak):
    speak()
    assert _cron_words("0 3 1 * MON day_mode=and") == "Um 03:00, am 1 Tag des Monats, nur am Mo"


def test_all_english_is_english(speak):
    """Whatever names the framework has for days: the words of the source are British too."""
    speak(language="en-gb")
    assert _cron_words("0 9 * * 1") == "At 09:00, only on Monday"
    assert parse_schedule("@every 1h").describe() == "Every hour"
    assert parse_schedule("@every 2h1s").describe() == "Every 2 hours 1 second"
    speak(language="en-gb", known={"Only when triggered": "By hand alone"})
    assert parse_schedule("@manual").describe() == "Only when triggered"


@pytest.mark.parametrize(("language", "catalog"), [("de-at", "de"), ("de", "de-ch")])
def test_a_catalog_serves_the_variants_of_its_language(speak, language, catalog):
    speak(language=language, catalog=catalog, known={"Only when triggered": "Nur auf Wunsch"})
    assert parse_schedule("@manual").describe() == "Nur auf Wunsch"


def test_without_a_voice_schedules_speak_english():
    before = speech._active
    speech.speak_with(None)
    try:
        assert _cron_words("0 9 * * 1") == "At 09:00, only on Monday"
    finally:
        speech.speak_with(before)


def test_the_locale_of_the_process_changes_nothing(monkeypatch):
    """The library would take names of days from it."""
    import calendar

    monkeypatch.setattr(calendar, "day_name", ["X"] * 7)
    monkeypatch.setattr(locale, "getlocale", lambda *given: ("de_DE", "UTF-8"))
    assert _cron_words("1 9 * 1 1") == "At 09:01, only on Monday, only in January"
