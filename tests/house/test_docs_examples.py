"""The examples in the pages are run: what they print is what the code prints."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_scheduler import registry
from django_scheduler.schedules import kinds
from tests.house.sources import REPOSITORY, relative

_CODE = re.compile(r"^```(python|pycon)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _blocks(page: Path, language: str) -> list[str]:
    found = _CODE.findall(page.read_text(encoding="utf-8"))
    return [code for name, code in found if name == language]


def _pages_with(language: str) -> list[Path]:
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    return sorted(page for page in pages if _blocks(page, language))


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What examples register is forgotten after them."""
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    monkeypatch.setattr(registry, "_definitions", dict(registry._definitions))
    yield
    kinds._parse.cache_clear()


@pytest.mark.parametrize("page", _pages_with("pycon"), ids=relative)
def test_console_examples_of_a_page_print_what_they_show(page, untouched):
    text = "\n".join(_blocks(page, "pycon"))
    examples = doctest.DocTestParser().get_doctest(text, {}, relative(page), str(page), 0)
    assert examples.examples
    report: list[str] = []
    outcome = doctest.DocTestRunner().run(examples, out=report.append)
    assert outcome.failed == 0, "".join(report)


@pytest.mark.parametrize("page", _pages_with("python"), ids=relative)
def test_python_examples_of_a_page_can_be_read(page):
    for number, code in enumerate(_blocks(page, "python"), start=1):
        compile(code, f"{relative(page)}, block {number}", "exec")


def test_jobs_of_the_context_page_can_be_declared(untouched):
    page = REPOSITORY / "docs" / "reference" / "context.md"
    exec(_blocks(page, "python")[0], {"__name__": "docs.context"})
    assert registry.is_registered("import-orders")


def test_tests_of_the_testing_page_pass(manual_scheduler, untouched):
    page = REPOSITORY / "docs" / "how-to" / "testing.md"
    names: dict[str, object] = {"__name__": "docs.testing"}
    for code in _blocks(page, "python"):
        exec(code.replace("from shop.jobs import", "# from shop.jobs import"), names)
    tests = [made for name, made in names.items() if name.startswith("test_")]
    assert len(tests) == 1
    for each in tests:
        each(manual_scheduler)


def _named_tests() -> set[str]:
    pages = (page.read_text(encoding="utf-8") for page in (REPOSITORY / "docs").rglob("*.md"))
    return {name for text in pages for name in re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", text)}


@pytest.mark.parametrize("name", sorted(_named_tests()))
def test_a_test_that_a_page_names_exists(name):
    path, _, function = name.partition("::")
    assert f"def {function}" in (REPOSITORY / path).read_text(encoding="utf-8")
