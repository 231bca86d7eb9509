"""An answer's text in a normal form: what only looks different is the same."""

import ast
import io
import re
import textwrap
import tokenize
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache


class _Bare(ast.NodeTransformer):
    """Without docstrings."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(first := body[0], ast.Expr):
            if isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = body[1:] or [ast.Pass()]
        return node


class _Renamed(ast.NodeTransformer):
    """Names that the text itself binds, other than functions and classes, become name1, name2, ..."""

    def __init__(self, tree: ast.AST) -> None:
        self.names: dict[str, str] = {}
        for node in ast.walk(tree):
            bound = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else None
            bound = node.arg if isinstance(node, ast.arg) and node.arg != "self" else bound
            if bound:
                self.names.setdefault(bound, f"name{len(self.names) + 1}")

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node = ast.arg(self.names.get(node.arg, node.arg))  # annotations go
        return node


@dataclass(frozen=True)
class Answer:
    """An answer: `shown` for people, as it was written but for comments and empty lines; the rest for comparing."""

    shown: tuple[str, ...]
    lines: tuple[str, ...]  # as Python writes them, without docstrings
    renamed: str  # the same with other names
    python: bool = True

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, source: str) -> "Answer":
        """Of Python, or, if it is none, of its words."""
        shown = tuple(line.rstrip() for line in _without_comments(source) if line.strip())
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd escapes in strings
                tree = _Bare().visit(ast.parse(source))
            lines = tuple(ast.unparse(tree).splitlines())
            return cls(shown, lines, ast.unparse(ast.fix_missing_locations(_Renamed(tree).visit(tree))))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return cls(shown, shown, " ".join(" ".join(shown).split()), python=False)

    def added(self, given: "Answer") -> tuple[str, ...]:
        """The lines that are not among those given out, for comparing."""
        return _beyond(self.lines, given.lines)

    def size(self, *others: "Answer") -> int:
        """Characters of the words and signs that stand in none of the others, whatever the lines they stand on."""

        def words(text: Answer) -> Counter[str]:
            """Names stay as they are where this text is no Python: nothing in it could be renamed."""
            return Counter(re.findall(r"\w+|[^\w\s]", text.renamed if self.python else " ".join(text.shown)))

        beyond = words(self)
        for other in others:
            beyond -= words(other)
        return sum(len(token) * times for token, times in beyond.items())

    def own(self, given: "Answer", *about: str) -> tuple[str, ...]:
        """The same for people; only those that hold the first of the texts `about` that is in any of them."""
        own = _beyond(self.shown, given.shown) or self.shown
        wanted = [plain for text in about if (plain := _plain(text))]
        some = (tuple(line for line in own if text in _plain(line)) for text in wanted)
        return tuple(textwrap.dedent("\n".join(next(filter(None, some), own))).splitlines())


def _beyond(lines: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    left, added = Counter(map(str.strip, given)), []
    for line in lines:
        if left[line.strip()]:
            left[line.strip()] -= 1
        else:
            added.append(line)
    return tuple(added)


def _plain(text: str) -> str:
    return re.sub(r"[\s`'\"]|\.\.\.$", "", text)


def _without_comments(source: str) -> list[str]:
    lines = source.splitlines()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                lines[line - 1] = lines[line - 1][:column]
    except (tokenize.TokenError, SyntaxError, IndexError):
        return [line.split("#")[0] for line in lines]
    return lines
