"""A file shows one idea, a function fits a screen."""

from __future__ import annotations

import ast

from tests.house.sources import modules, relative, tree

MODULE_LINES = 350
FUNCTION_LINES = 40
ROOMS = ("benchmarks", "django_scheduler", "example_project", "tests")


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement to the last; signature and docstring cost nothing."""
    body = function.body
    if ast.get_docstring(function, clean=False) is not None:
        body = body[1:]
    if not body:
        return 0
    first, last = body[0], body[-1]
    decorators = getattr(first, "decorator_list", [])
    start = min([first.lineno, *(decorator.lineno for decorator in decorators)])
    return (last.end_lineno or last.lineno) - start + 1


def test_no_module_is_longer_than_its_budget():
    lengths = {
        relative(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules(*ROOMS)
    }
    assert len(lengths) > 10
    assert {name: n for name, n in lengths.items() if n > MODULE_LINES} == {}


def test_no_function_is_longer_than_its_budget():
    too_long = {}
    for path in modules(*ROOMS):
        for node in ast.walk(tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = _body_lines(node)
                if lines > FUNCTION_LINES:
                    too_long[f"{relative(path)}:{node.lineno} {node.name}"] = lines
    assert too_long == {}


def test_every_module_of_the_package_says_what_it_is_for():
    silent = [
        relative(path)
        for path in modules("django_scheduler")
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]
    assert silent == []
