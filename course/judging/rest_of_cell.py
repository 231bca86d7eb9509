"""What is left of a student's cell whose statement can't be run on the grading machine: a package, a magic, a file, a
prompt or a network that was there for the student and is not here.

The judge copies this file into a grading kernel (course/judging/kernel_files.py) and asks it when a cell of the student's
has ended in an error. It leaves the statement out and says what stands below; errors of the student's own code stay.
Nothing that it says is trusted: it is text that runs in this kernel, and words.
"""

import ast
import contextlib
import linecache
import sys
import traceback
import types
from collections.abc import Iterator
from pathlib import Path

from IPython import get_ipython
from IPython.core.error import StdinNotImplementedError, UsageError

from helpers.checks import wire

ELSEWHERE = (ImportError, OSError, UsageError, StdinNotImplementedError)  # what another machine has
RUNNING_PYTHON = {"time", "timeit", "capture", "prun"}  # magics of a cell that is the student's own code
WORDS = 300  # characters of a line, or of an error, that are repeated

missing: set[str] = set()  # names that what was left out would have made


def tell(exchange: str, answer: str) -> None:
    """Write about the cell that has just ended in an error: line, text ("" if nothing is left out) and error of the
    statement, and the cell's text below it ("" if there is none); {} if it is the student's own affair."""
    found, error = {}, sys.last_value
    sys.last_value = None  # each is told once
    with contextlib.suppress(SyntaxError, ValueError, RecursionError):
        found = _found(error, sys.last_traceback, get_ipython().user_ns)
    Path(exchange, answer).write_bytes(wire.dump(found))


def _found(error: BaseException, trace: types.TracebackType | None, namespace: dict) -> dict:
    frames = [(f, line) for f, line in traceback.walk_tb(trace) if f.f_globals is namespace]
    if not frames or frames[0][0].f_locals is not namespace:
        return {}
    (frame, line), *deeper = frames
    text = "".join(linecache.getlines(frame.f_code.co_filename))
    body = ast.parse(text).body
    around = [node for node in body if _first(node) <= line <= node.end_lineno]
    if not around:
        return {}
    node = next((node for node in around if _is(node, frame.f_code)), around[-1])
    call, *words = magic(node)
    elsewhere = isinstance(error, ELSEWHERE) or (isinstance(error, NameError) and error.name in missing)
    if not elsewhere and (not call or deeper):
        return {}
    if call == "run_cell_magic" and (words[0] in RUNNING_PYTHON or isinstance(error, UsageError)):
        ast.parse(words[2])  # below a magic that is not there may stand another language
        said = f"%%{words[0]}" if isinstance(error, UsageError) else ""
        return {"line": 1, "text": said, "error": _words(error), "rest": f"#\n{words[2]}"}
    missing.update(_made(node))
    said = _called(call, words) if call else ast.get_source_segment(text, node) or ""
    first = said.strip().split("\n")[0][:WORDS]
    # %%capture runs a cell in a cell
    rest, above = _below(text, node, body), namespace["In"][-1].startswith("get_ipython().run_cell_magic")
    rest = f"#\n{rest}" if rest and above else rest
    return {"line": node.lineno + above, "text": first, "error": _words(error), "rest": rest}


def magic(node: ast.stmt) -> tuple[str, ...]:
    """Of a statement that was a magic or a shell line: the call that it has become and its words; ("",) of any other."""
    call = getattr(node, "value", None)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        of = call.func.value
        if isinstance(of, ast.Call) and getattr(of.func, "id", "") == "get_ipython":
            return (call.func.attr, *(str(getattr(word, "value", "")) for word in call.args))
    return ("",)


def _called(call: str, words: list[str]) -> str:
    """As it was written."""
    return {"run_line_magic": "%", "run_cell_magic": "%%"}.get(call, "!") + " ".join(words[:2]).strip()


def _below(text: str, node: ast.stmt, body: list[ast.stmt]) -> str:
    """What stands below this statement, in the same lines as before; "" if no statement does."""
    if node is body[-1]:
        return ""
    first, *lines = text.split("\n")[node.end_lineno - 1 :]
    beside = first.encode()[node.end_col_offset :].decode().lstrip("; \t")
    above = "#\n" * (node.end_lineno - 1)  # IPython would leave out empty lines
    return above + "\n".join([beside or "#", *lines])


def _first(node: ast.stmt) -> int:
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])


def _is(node: ast.stmt, code: types.CodeType) -> bool:
    """Whether this code is what IPython has made of the statement: several may stand in one line."""
    made = compile(ast.Module([node], []), "", "exec")
    return (made.co_code, made.co_names) == (code.co_code, code.co_names)


def _made(node: ast.stmt) -> Iterator[str]:
    """The names that a statement would have made."""
    for one in ast.walk(node):
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.split(".")[0] for alias in one.names)
        elif isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield one.id


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:WORDS]
