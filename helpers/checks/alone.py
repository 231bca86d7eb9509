"""One blank tried by itself: the student's own source, with values of the library in the other blanks.

A blank has a left-hand side (or is an argument of a call), so what stands there can be *given*. To try one blank, the
definition is made once more, with the other blanks given; what this blank makes of that is then observed. Blanks above
it are given right values, drawn for this very case, on which nothing else is tried; blanks below it are given what can
be made of the student's own values, so that no right value of this blank is ever where its code runs. Lines of the
student's own that belong to another blank may fail without harm.

Where the student wrote it in another form, there is nothing to put a value into: then the whole is all that is tried.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import linecache
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

INSTEAD = "_instead_of_blank"  # what a definition made anew calls where a blank was
Local = Mapping[str, Any]  # the names that are known where the blank stands


@dataclass(frozen=True)
class Place:
    """Where a blank stands in the given form, and what can stand there instead.

    Args:
        target: the left-hand side, e.g. "E" or "P[k, 2 * i]"; with "(" at its end the call of this name.
        which: of several such statements those for which `which(text)` holds.
        within: the method in which it stands; anywhere if left out.
        nth: of the calls this one, counted from 0, of `calls` altogether.
        calls: how many calls of this name the given form has.
        above: `above(value, local)` stands there while a blank below it is tried; `value` is the exercise's.
        below: `below(local)` stands there while a blank above it is tried.
    """

    target: str
    which: Callable[[str], bool] = lambda text: True
    within: str = ""
    nth: int = 0
    calls: int = 1
    above: Callable[[Any, Local], Any] = lambda value, local: copy.deepcopy(value)
    below: Callable[[Local], Any] = lambda local: ...


class NotAlone(BaseException):
    """This blank can't be tried by itself: the whole says more. No `except` of the student's or an observer's catches it."""


def defines(source: str, name: str) -> ast.AST | None:
    """The last function, class or assignment of this text that makes `name`; None if there is none."""
    for node in reversed(list(ast.walk(ast.parse(source)))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and name in [getattr(target, "id", None) for target in node.targets]:
            return node
    return None


def cell_of(obj: Any) -> tuple[str, str]:
    """File name and text of the cell that made a function or class; ("", "") if there is none.

    `inspect.getsource` fails for classes that were defined in a notebook before Python 3.13, so the cell is found
    through the file name that a method's code object carries.
    """
    for member in vars(obj).values() if isinstance(obj, type) else [obj]:
        code = getattr(getattr(member, "__func__", member), "__code__", None)
        if isinstance(code, types.CodeType):
            source = "".join(linecache.getlines(code.co_filename))
            with contextlib.suppress(SyntaxError, ValueError):
                if defines(source, obj.__name__):
                    return code.co_filename, source
    return "", ""


@dataclass
class Trial:
    """The object to be tried, the lines of other blanks that have failed, and whether the trial is over."""

    obj: Any = None
    failed: list[str] = field(default_factory=list)
    over: bool = False


def alone(
    obj: Any,
    name: str,
    places: Mapping[str, Place],
    blank: str,
    given: Mapping[str, Any],
    namespace: Mapping[str, Any],
) -> Trial:
    """The student's object made anew, with `given` in the blanks above `blank` and placeholders below it.

    Raises:
        NotAlone: where the text isn't in the given form; also when it runs, where what stands in this blank does not
            lead on to the next one.
    """
    file, source = cell_of(obj) if isinstance(obj, (type, types.FunctionType)) else ("", "")
    node = copy.deepcopy(defines(source, name)) if source else None
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or getattr(obj, "__closure__", None):
        raise NotAlone
    found = {key: located(node, place) for key, place in places.items()}
    if not found[blank] or not any(nodes for key, nodes in found.items() if key != blank):
        raise NotAlone
    order = list(places)
    trial = Trial()

    def instead(key: str, local: Local) -> Any:
        if key not in places:
            return trial.failed.append(key)
        if trial.over or key == blank:  # whoever asks, it is not a line that was put in
            raise NotAlone
        if order.index(key) < order.index(blank):
            return as_leaf(key, places[key].above(given.get(key, ...), local))
        try:
            return places[key].below(local)
        except Exception:  # the student's own value is of another kind
            raise NotAlone from None

    leaves: dict[str, Any] = {}

    def as_leaf(key: str, value: Any) -> Any:
        """A given tensor is something that a gradient can reach, or a cut behind it could not be seen."""
        if getattr(value, "is_floating_point", lambda: False)():
            kept = leaves.get(key)
            if kept is None or kept.shape != value.shape:
                kept = leaves[key] = value.detach().clone().requires_grad_()
            return kept * 1
        return value

    instead.leaves = leaves
    others = {id(n): key for key, nodes in found.items() if key != blank for n in nodes}
    mine = {id(n) for n in found[blank]}
    made = _Given(
        others, mine, {ast.unparse(ast.parse(p.target)) for p in places.values() if p.target[-1] != "("}
    ).visit(node)
    code = compile(ast.fix_missing_locations(ast.Module([made], [])), file, "exec")
    names = {**namespace, INSTEAD: instead}
    exec(code, names)
    trial.obj = names[name]
    return trial


def located(node: ast.AST, place: Place) -> list[ast.AST]:
    """The statements (or the one call) where this blank's value is made; none if the text has another form."""
    if place.within:
        methods = [n for n in ast.walk(node) if isinstance(n, ast.FunctionDef) and n.name == place.within]
        node = methods[0] if methods else ast.Module([], [])
    if place.target.endswith("("):
        called = place.target[:-1].rpartition(".")[2].casefold()  # nn.linear is meant as nn.Linear
        calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and _last(n.func).casefold() == called]
        calls.sort(key=lambda call: (call.lineno, call.col_offset))
        return [calls[place.nth]] if len(calls) == place.calls else []
    wanted = ast.unparse(ast.parse(place.target))
    found = []
    for statement in ast.walk(node):
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)) and statement.value is not None:
            target = statement.target
        else:
            continue
        text = ast.unparse(target).strip("()")
        into = isinstance(target, ast.Subscript) and ast.unparse(target.value) == wanted  # one entry of it
        if (into or text == wanted.strip("()")) and place.which(ast.unparse(statement)):
            found.append(statement)
    plain = [n for n in found if not isinstance(n, ast.Assign) or not _into(n, wanted)]
    return found if plain else []


def _into(statement: ast.Assign, wanted: str) -> bool:
    target = statement.targets[0]
    return isinstance(target, ast.Subscript) and ast.unparse(target) != wanted


def _last(function: ast.AST) -> str:
    """ "Linear" of `nn.Linear`, `torch.nn.Linear` and `Linear`."""
    return getattr(function, "attr", getattr(function, "id", ""))


def _call(key: str, place: ast.AST) -> ast.AST:
    """`_instead_of_blank(key, locals())`, to stand where `place` stands."""
    made = ast.parse(f"{INSTEAD}({key!r}, locals())", mode="eval").body
    for part in ast.walk(made):
        ast.copy_location(part, place)
    return made


def owner(file: str, line: int, name: str, places: Mapping[str, Place]) -> str:
    """The blank in whose value this line of a cell stands; "" if in none."""
    source = "".join(linecache.getlines(file))
    with contextlib.suppress(SyntaxError, ValueError):
        node = defines(source, name)
        for key, place in places.items():
            if node and any(n.lineno <= line <= n.end_lineno for n in located(node, place)):
                return key
    return ""


class _Given(ast.NodeTransformer):
    """Puts `_instead_of_blank("E =", locals())` into the other blanks, and lets lines that belong to them fail."""

    def __init__(self, others: Mapping[int, str], mine: set[int], targets: set[str]) -> None:
        self.others, self.mine, self.targets = others, mine, targets

    def visit(self, node: ast.AST) -> Any:
        key = self.others.get(id(node))
        if key is None:
            return self.generic_visit(node)
        value = _call(key, node)
        if isinstance(node, ast.Call):
            return value
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Subscript) and ast.unparse(target) not in self.targets:
            return ast.copy_location(ast.Pass(), node)  # an entry of what is given as a whole
        return ast.copy_location(ast.Assign([target], value), node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, (ast.FunctionDef, ast.For, ast.If, ast.With, ast.While)):
            node.body = list(self._lines(node.body))
        return super().generic_visit(node)

    def _lines(self, lines: list[ast.stmt]) -> Iterator[ast.stmt]:
        """Each line as it is, or, where it belongs to another blank, so that it may fail."""
        owner = None
        owned = []
        for line in reversed(lines):  # a line belongs to the next blank below it, or to the last one
            inside = {id(n) for n in ast.walk(line)}
            if inside & self.mine:
                owner = True
            elif inside & self.others.keys():
                owner = False
            owned.append((line, inside, owner))
        last = next((o for _, _, o in owned if o is not None), None)
        for line, inside, mine in reversed(owned):
            mine = last if mine is None else mine
            plain = isinstance(
                line,
                (
                    ast.Assign,
                    ast.AugAssign,
                    ast.AnnAssign,
                    ast.Expr,
                    ast.For,
                    ast.Assert,
                    ast.Import,
                    ast.ImportFrom,
                ),
            )
            if mine is False and plain and not inside & (self.mine | self.others.keys()):
                note = ast.Expr(_call(f"line {line.lineno}", line))
                handler = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [note])
                yield ast.copy_location(ast.Try([line], [handler], [], []), line)
            else:
                yield line
