"""The changes by which the rule tests are tested: all that are meant, and nothing else."""

from __future__ import annotations

import pytest

from .equivalent_mutants import EQUIVALENT
from .mutants import all_mutants
from .mutations import mutations


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("x = a < b", ["a <= b", "a > b"]),
        ("x = a == b", ["a != b"]),
        ("x = a is b", ["a is not b"]),
        ("x = a and b", ["a or b"]),
        ("x = not a", ["a"]),
        ("x = a - 1", ["a + 1", "a - 2", "a - 0"]),
        ("x = min(a, True)", ["max(a, True)", "min(a, False)"]),
        ("x = a if b else c", ["a if not b else c"]),
        ("x += a", ["x -= a"]),
        ("x: int = a", []),
        ("x = 'a message'", []),
        ("__all__ = ['x']", []),
    ],
)
def test_each_change_alone(line: str, after: list[str]) -> None:
    """One at a time, in the order of the text."""
    found = [each.after.removeprefix("x = ") for each in mutations(line)]
    assert found == after


def test_a_change_keeps_the_rest_and_says_where_it_is() -> None:
    """By function and statement, so that an explanation outlives other edits."""
    source = (
        "class A:\n    def f(self):\n        if self:\n            raise Error(1)\n        return 0"
    )
    found = [(each.where, each.line, each.before, each.after) for each in mutations(source)]
    assert found == [
        ("A.f", 3, "if self:", "if not self:"),
        ("A.f", 4, "raise Error(1)", "pass"),
        ("A.f", 5, "return 0", "return None"),
        ("A.f", 5, "return 0", "return 1"),
        ("A.f", 5, "return 0", "return -1"),
    ]
    changed = next(mutations(source)).source
    assert changed.replace("\n\n", "\n") == source.replace("if self", "if not self")


def test_explanations_are_about_mutants_that_there_are() -> None:
    """Of code that has changed or gone nothing needs to be explained."""
    places = {key[:2] for key in EQUIVALENT}
    known = {each.key for module, where in places for each in all_mutants(module, where)}
    assert set(EQUIVALENT) - known == set()
