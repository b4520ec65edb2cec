"""The small changes of a module's meaning, one at a time, each as the whole changed source."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch

__all__ = ["Mutation", "bare", "mutations"]

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMED = {"min": "max", "max": "min", "any": "all", "all": "any"}
#: What is not looked into: types, decorators, and the words of an error.
SKIPPED = {"annotation", "returns", "decorator_list", "exc", "cause", "type_params"}


def bare(text: str) -> str:
    """A statement without spaces and parentheses: Pythons differ in which of them they write."""
    return "".join(each for each in text if each not in "() ")


@dataclass(frozen=True)
class Mutation:
    """One change: in which function, on which line, a statement's text before and after."""

    where: str
    line: int
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class _Site:
    """A place in the tree where one node may be replaced by another."""

    parent: ast.AST
    field: str
    index: int | None
    node: ast.AST
    statement: ast.stmt
    where: str

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutations(source: str, where: str = "*") -> Iterator[Mutation]:
    """Every mutation of a module's functions matching ``where``, in the order of its text."""
    tree = ast.parse(source)
    for site in [each for each in _sites(tree, "", None) if fnmatch(each.where, where)]:
        for changed in _variants(site):
            before = _headline(site.statement)
            site.put(changed)
            statement = changed if isinstance(changed, ast.stmt) else site.statement
            after, text = _headline(statement), ast.unparse(ast.fix_missing_locations(tree))
            site.put(site.node)
            line = getattr(site.node, "lineno", site.statement.lineno)
            yield Mutation(site.where, line, before, after, text)


def _headline(statement: ast.stmt) -> str:
    """A simple statement on one line; of a compound one the line that opens it."""
    return ast.unparse(statement).splitlines()[0]


def _sites(node: ast.AST, where: str, statement: ast.stmt | None) -> Iterator[_Site]:
    for field, value in ast.iter_fields(node):
        if field in SKIPPED:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _is_text(child) or _is_all(child):
                continue
            own = child if isinstance(child, ast.stmt) else statement
            inside = where
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                inside = f"{where}.{child.name}".lstrip(".")
            if own is not None:
                yield _Site(node, field, index, child, own, inside)
            yield from _sites(child, inside, own)


def _is_text(node: ast.AST) -> bool:
    """A docstring or the text of a message: no rule."""
    value = node.value if isinstance(node, ast.Expr) else node
    return isinstance(value, ast.JoinedStr) or (
        isinstance(value, ast.Constant) and isinstance(value.value, str)
    )


def _is_all(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _variants(site: _Site) -> Iterator[ast.AST]:
    """What may stand in the site's place: always new nodes, the tree's own stay as they are."""
    node = site.node
    if site.field in ("test", "ifs"):
        yield ast.UnaryOp(ast.Not(), copy.deepcopy(node))  # type: ignore[arg-type]
    if isinstance(node, ast.Name) and isinstance(site.parent, ast.Call) and site.field == "func":
        if node.id in NAMED:
            yield ast.Name(NAMED[node.id], ast.Load())
    elif isinstance(node, ast.stmt) and not isinstance(node, ast.AugAssign):
        yield from _statements(node)
    else:
        yield from _expressions(node)


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        yield from _compared(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(other, copy.deepcopy(node.values))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield copy.deepcopy(node.operand)
    elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in CALCULATED:
        changed = copy.deepcopy(node)
        changed.op = CALCULATED[type(node.op)]()
        yield changed
    elif isinstance(node, ast.Constant):
        yield from _constants(node)


def _compared(node: ast.Compare) -> Iterator[ast.AST]:
    for index, operator in enumerate(node.ops):
        for other in COMPARED[type(operator)]:
            changed = copy.deepcopy(node)
            changed.ops[index] = other()
            yield changed


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)


def _statements(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.Raise, ast.Expr)):
        yield ast.Pass()
    elif isinstance(node, ast.Break):
        yield ast.Continue()
    elif isinstance(node, ast.Continue):
        yield ast.Break()
