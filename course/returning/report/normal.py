"""An answer's text in a normal form: what only looks different is the same."""

import ast
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
class Text:
    """An answer without what only looks different: `lines` as Python writes them, `renamed` for comparing."""

    lines: tuple[str, ...]
    renamed: str

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, source: str) -> "Text":
        """Of Python, or, if it is none, of its words."""
        try:
            tree = _Bare().visit(ast.parse(source))
            lines = tuple(ast.unparse(tree).splitlines())
            return cls(lines, ast.unparse(ast.fix_missing_locations(_Renamed(tree).visit(tree))))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            bare = (line.split("#")[0].rstrip() for line in source.splitlines())
            lines = tuple(line for line in bare if line.strip())
            return cls(lines, " ".join(" ".join(lines).split()))

    def added(self, given: "Text") -> tuple[str, ...]:
        """The lines that are not among those given out."""
        left = Counter(given.lines)
        added = []
        for line in self.lines:
            if left[line]:
                left[line] -= 1
            else:
                added.append(line)
        return tuple(added)
