"""The course's `helpers` as a grading kernel gets them: what observes is there, what knows the answer is not.

Of every exercise module only `observe` and what it needs are left. The library equivalents of `assemble` stay, as
later cells of a notebook build on them. But what belongs to an exercise that is graded in this very notebook comes into
the kernel late: its module when it is observed, its equivalent when that is done.
"""

from __future__ import annotations

import ast
import functools
import shutil
import symtable
from collections.abc import Collection, Iterable
from pathlib import Path

from helpers import exercises

HELPERS = Path(exercises.__file__).resolve().parent.parent
DATA = ("registry.txt", "vit_cifar10.safetensors")  # what ships in data/ and notebooks use
# Not for kernels: `check` is another one there, and `judging` has nothing to judge.
LEFT_OUT = ("check.py", "judging.py")


def copy_helpers(folder: Path, own: Collection[str]) -> Path:
    """Write the package `helpers` of a kernel into `folder`; where it is.

    Args:
        own: keys of the exercises that are graded in this kernel.

    Raises:
        FileNotFoundError: if what ships in data/ is not there.
    """
    target = folder / "helpers"
    (target / "exercises").mkdir(parents=True)
    for path in HELPERS.glob("*.py"):
        if path.name not in LEFT_OUT:
            shutil.copy(path, target / path.name)
    shutil.copy(Path(__file__).with_name("kernel_check.py"), target / "check.py")
    shutil.copytree(HELPERS / "diagrams", target / "diagrams", ignore=shutil.ignore_patterns("__pycache__"))
    for name in DATA:
        places = (HELPERS.parent / "data" / name, HELPERS / name)  # a checkout, an installed package
        if not (found := [place for place in places if place.is_file()]):
            raise FileNotFoundError(
                f"{places[0]} is missing: it comes with the course (git checkout data/{name})."
            )
        shutil.copy(found[0], target / name)
    (target / "assemble.py").write_text(without(assemble_source(), tuple(own)), "utf-8")
    shutil.copy(HELPERS / "exercises" / "__init__.py", target / "exercises" / "__init__.py")
    for key in set(exercises.names()) - set(own):
        (target / "exercises" / f"{key}.py").write_text(observer(key, own=False), "utf-8")
    return target


@functools.cache
def observer(key: str, own: bool = True) -> str:
    """The module of exercise `key` without its answers: `observe` and what that needs.

    Args:
        own: whether it is graded in this kernel; if not, its `library` stays, which other notebooks build on.
    """
    exercise = exercises.load(key)
    source = (HELPERS / "exercises" / f"{key}.py").read_text("utf-8")
    made = (
        f"exercise = Exercise(name={exercise.name!r}, cases=None, observe=observe, expected=None, parts=(), "
        f"rtol={exercise.rtol!r}, atol={exercise.atol!r})"
    )
    kept = needed(source, ["observe", *([] if own else ["library"])])
    return f"{kept}\nfrom helpers.exercises import Exercise\n\n{made}\n"


def needed(source: str, roots: Iterable[str]) -> str:
    """The top-level statements of a module that `roots` need, one after the other; comments go.

    The name `exercise` is never followed: it holds the answers.
    """
    body = ast.parse(source).body
    defined = {name: node for node in body for name in _names(node)}
    wanted: set[str] = set()
    pending = [name for name in roots if name in defined]
    while pending:
        name = pending.pop()
        if name in wanted or name not in defined or name == "exercise":
            continue
        wanted.add(name)
        if not isinstance(defined[name], (ast.Import, ast.ImportFrom)):
            pending += _used(defined[name])
    kept = []
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            node.names = [alias for alias in node.names if _bound(alias) in wanted]
            if node.names:
                kept.append(node)
        elif wanted & set(_names(node)):
            kept.append(node)
    return ast.unparse(ast.Module(kept, type_ignores=[]))


def _used(node: ast.stmt) -> list[str]:
    """The module's names that a statement refers to; local names of functions are none of these."""
    tables = [symtable.symtable(ast.unparse(node), "<statement>", "exec")]
    found = []
    for table in tables:
        tables += table.get_children()
        inside = table.get_type() != "module"
        found += [
            s.get_name() for s in table.get_symbols() if s.is_referenced() and (s.is_global() or not inside)
        ]
    return found


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _names(node: ast.stmt) -> list[str]:
    """What a top-level statement defines."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [_bound(alias) for alias in node.names]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        leaf.id for target in targets if target for leaf in ast.walk(target) if isinstance(leaf, ast.Name)
    ]


# --- the library equivalents of `assemble` --------------------------------------------------------


@functools.cache
def assemble_source() -> str:
    return (HELPERS / "assemble.py").read_text("utf-8")


@functools.cache
def stand_ins() -> dict[str, str]:
    """Exercise key -> name of its equivalent in `helpers/assemble.py`, from the text of that file."""
    table = next(
        node.value
        for node in ast.parse(assemble_source()).body
        if isinstance(node, ast.Assign) and _names(node) == ["STAND_INS"]
    )
    return {key.value: value.id for key, value in zip(table.keys, table.values, strict=True)}


@functools.cache
def without(source: str, own: tuple[str, ...]) -> str:
    """`assemble` with None in place of the equivalents of these exercises."""
    hidden = {name for key, name in stand_ins().items() if key in own}
    tree = ast.parse(source)
    body = []
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            node.names = [alias for alias in node.names if _bound(alias) not in hidden]
            if not node.names:
                continue
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in hidden:
            continue
        elif isinstance(node, ast.Assign) and _names(node) == ["STAND_INS"]:
            node.value.values = [ast.Constant(None) if v.id in hidden else v for v in node.value.values]
        body.append(node)
    tree.body = body
    return ast.unparse(tree)


@functools.cache
def equivalent(key: str) -> tuple[str, str]:
    """Source and name of the equivalent of exercise `key`, a class of `assemble`; two empty texts if it has none."""
    name = stand_ins().get(key, "")
    for node in ast.parse(assemble_source()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return ast.unparse(node), name
    return "", ""
