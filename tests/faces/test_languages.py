"""Schedules in the languages of a project: whole sentences of one, or English."""

from __future__ import annotations

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from django_scheduler.schedules import parse_schedule
from django_scheduler.schedules.cron_words import LOCALES
from django_scheduler.schedules.speech import CONTEXT

SENTENCES = [
    ("de", "0 9 * * 1-5", "Um 09:00, Montag bis Freitag, Europe/Paris"),
    ("de", "@every 5m", "Alle 5 Minuten"),
    ("de", "@manual", "Nur auf Anstoß"),
    ("de-at", "0 9 1 1 *", "Um 09:00, am 1 Tag des Monats, nur im Januar, Europe/Paris"),
    (
        "de",
        "30 2 * * *",
        "Um 02:30, jeden Tag, Europe/Paris; wenn es 02:30 nicht gibt, um 03:00; "
        "wenn 02:30 zweimal kommt, nur beim ersten Mal",
    ),
    ("fr", "0 9 * * 1-5", "À 09:00, de lundi à vendredi, Europe/Paris"),
    ("fr", "@every 90m", "Toutes les 1 heure 30 min"),
    ("fr", "@every 1d", "Tous les jours à minuit, Europe/Paris"),
    ("pl", "0 9 * * 1-5", "O 09:00, od Poniedziałek do Piątek, Europe/Paris"),
    ("pl", "@every 5m", "Every 5 minutes"),
    ("ja", "0 9 * * 1-5", "次において実施 09:00、月曜日 から 金曜日 まで, Europe/Paris"),
    ("ja", "@manual", "Only when triggered"),
    ("en-gb", "0 9 * * 1-5", "At 09:00, Monday through Friday, Europe/Paris"),
    ("eo", "0 9 * * 1-5", "At 09:00, Monday through Friday, Europe/Paris"),
]


@pytest.mark.parametrize(("language", "text", "words"), SENTENCES)
def test_a_schedule_is_told_in_the_active_language(language, text, words):
    """S13: cron in the languages of its words' catalog, the rest in those of our own."""
    with translation.override(language):
        assert parse_schedule(text, "Europe/Paris").describe() == words


def test_without_an_active_language_it_is_english():
    with translation.override(None):
        assert parse_schedule("0 9 * * 1").describe() == "At 09:00, only on Monday, UTC"


def test_what_the_library_lacks_in_polish_or_ours_makes_the_whole_english():
    """The sentence about DST is our own, and nobody has translated it into Polish yet."""
    with translation.override("pl"):
        words = parse_schedule("30 2 * * *", "Europe/Paris").describe()
    assert words.startswith("At 02:30, every day, Europe/Paris; when 02:30 does not exist")


def test_the_projects_own_language_is_not_mixed_in(settings, monkeypatch):
    """Django falls back to LANGUAGE_CODE; a Polish page shows English rather than German then."""
    settings.LANGUAGE_CODE = "de"
    monkeypatch.setattr(trans_real, "_translations", {})  # read anew, with that to fall back to
    with translation.override("pl"):
        assert translation.npgettext(CONTEXT, "Every minute", "Every {count} minutes", 5) == (
            "Alle {count} Minuten"
        )
        assert parse_schedule("@every 5m").describe() == "Every 5 minutes"


@pytest.mark.parametrize("language", sorted(set(LOCALES) - {"en", "no", "zh", "zh-tw"}))
def test_no_language_of_the_library_gives_a_mixture(language):
    """Days and months are Django's: English ones only in English sentences."""
    with translation.override(language):
        words = parse_schedule("0 9 * 1 1", "UTC").describe()
    english = words == "At 09:00, only on Monday, only in January, UTC"
    assert english or not {"Monday", "January"} & set(words.replace(",", "").split())


def test_the_list_of_languages_is_the_librarys():
    from pathlib import Path

    import cron_descriptor

    shipped = Path(cron_descriptor.__file__).parent.joinpath("locale").glob("*.mo")
    assert set(LOCALES.values()) == {path.stem for path in shipped}
