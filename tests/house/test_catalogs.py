"""Translations: every message of schedules and their edits is in every catalog, and compiled."""

from __future__ import annotations

import ast
import gettext
from pathlib import Path

import pytest

from django_scheduler.schedules.speech import CATALOG_LANGUAGE, CONTEXT
from tests.house.sources import PACKAGE, tree

CATALOGS = sorted((PACKAGE / "locale").glob("*/LC_MESSAGES/django.mo"))
SPEAKING = [*sorted((PACKAGE / "schedules").glob("*.py")), PACKAGE / "planning" / "edits.py"]


def _messages(call: ast.Call) -> tuple[str, ...]:
    """The messages that a call of ``say``, ``count`` or ``_messages`` names."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    texts = [each.value for each in call.args if isinstance(each, ast.Constant)]
    texts = [text for text in texts if isinstance(text, str)]
    wanted = {"say": 1, "count": 2, "_messages": 2}.get(name, 0)
    return tuple(texts[:wanted]) if len(texts) >= wanted else ()


def _spoken() -> set[tuple[str, ...]]:
    calls = (node for path in SPEAKING for node in ast.walk(tree(path)))
    return {_messages(node) for node in calls if isinstance(node, ast.Call)} - {()}


def _catalog(path: Path) -> gettext.GNUTranslations:
    with path.open("rb") as compiled:
        return gettext.GNUTranslations(compiled)


def _language(path: Path) -> str:
    return path.parts[-3]


def test_there_are_catalogs_and_messages():
    assert {"de", "fr"} <= {_language(path) for path in CATALOGS}
    assert len(_spoken()) > 20


@pytest.mark.parametrize("path", CATALOGS, ids=_language)
def test_a_catalog_has_every_message_of_schedules_in_other_words(path):
    """Equal words count as untranslated: with them a sentence would be told in English."""
    catalog = _catalog(path)
    lacking = []
    for messages in _spoken():
        if len(messages) == 2:
            said = [catalog.npgettext(CONTEXT, *messages, number) for number in (1, 2)]
        else:
            said = [catalog.pgettext(CONTEXT, *messages)]
        if set(said) & set(messages):
            lacking.append(messages)
    assert lacking == []
    assert catalog.pgettext(CONTEXT, CATALOG_LANGUAGE) == _language(path)


@pytest.mark.parametrize("path", CATALOGS, ids=_language)
def test_a_catalog_is_compiled_from_what_is_written(path):
    """Every translation that stands in the source file stands in the compiled one."""
    source = path.with_suffix(".po").read_text(encoding="utf-8")
    lines = [line.split(" ", 1) for line in source.splitlines() if line.startswith("msgstr")]
    written = {ast.literal_eval(text) for _, text in lines} - {""}
    compiled = {text for text in _catalog(path)._catalog.values() if isinstance(text, str)}
    assert written == compiled - {_catalog(path)._catalog[""]}
