"""Where a new import goes in a Python file, and how it joins those that are there."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from fixwright.fix.rules.python_file import PythonFile
from fixwright.workspace.position import Position, Range


@dataclass(frozen=True)
class NewImport:
    """`import module`, `import module as alias` or `from module import name`."""

    module: str
    name: str = ""
    alias: str = ""

    @property
    def statement(self) -> str:
        """As it is written."""
        head = f"from {self.module} import {self.name}" if self.name else f"import {self.module}"
        return f"{head} as {self.alias}" if self.alias else head


def parsed(statement: str) -> NewImport:
    """An import from its text, which must be that of one imported name."""
    node = ast.parse(statement).body[0]
    if isinstance(node, ast.ImportFrom):
        return NewImport(node.module or "", node.names[0].name, node.names[0].asname or "")
    assert isinstance(node, ast.Import)
    return NewImport(node.names[0].name, "", node.names[0].asname or "")


def edit_for(file: PythonFile, new: NewImport) -> tuple[Range, str]:
    """The stretch to replace, and by what, so that the file has the import."""
    joined = _join(file, new) if new.name else None
    return joined or _insert(file, new)


def _join(file: PythonFile, new: NewImport) -> tuple[Range, str] | None:
    """Into a `from` import of the same module, where there is one at the top level."""
    for node in file.tree.body:
        if not isinstance(node, ast.ImportFrom) or node.module != new.module or node.level:
            continue
        if node.names[-1].name != "*":
            end = file.range(node.names[-1]).end
            own = f"{new.name} as {new.alias}" if new.alias else new.name
            return Range(end, end), f", {own}"
    return None


def _insert(file: PythonFile, new: NewImport) -> tuple[Range, str]:
    leading = _leading_imports(file)
    plain = [node for node in leading if isinstance(node, ast.Import)]
    if plain and not new.name:
        line = file.range(plain[-1]).end.line + 1
        return _at(file, line, new.statement + "\n")
    if leading and not new.name:
        first = leading[0]
        return _at(file, file.range(first).start.line, new.statement + "\n")
    if leading:
        return _at(file, file.range(leading[-1]).end.line + 1, new.statement + "\n")
    return _first_import(file, new)


def _leading_imports(file: PythonFile) -> list[ast.Import | ast.ImportFrom]:
    """The imports at the file's head, `__future__` left out."""
    found: list[ast.Import | ast.ImportFrom] = []
    for node in file.tree.body:
        if _is_docstring(node) or _is_future(node):
            continue
        if not isinstance(node, ast.Import | ast.ImportFrom):
            break
        found.append(node)
    return found


def _first_import(file: PythonFile, new: NewImport) -> tuple[Range, str]:
    """Below the docstring, `__future__` imports and the comment that heads the file."""
    heads = [node for node in file.tree.body if _is_docstring(node) or _is_future(node)]
    if heads:
        line = file.range(heads[-1]).end.line + 1
        return _at(file, line, f"\n{new.statement}\n")
    line = 0
    while line < file.text.line_count and file.text.line(line).startswith("#"):
        line += 1
    before = "\n" if line else ""
    following = file.text.line(line) if line < file.text.line_count else ""
    after = "\n" if following.strip() else ""
    return _at(file, line, f"{before}{new.statement}\n{after}")


def _at(file: PythonFile, line: int, text: str) -> tuple[Range, str]:
    """An insertion of whole lines before a line, also behind a last line without an ending."""
    if line < file.text.line_count:
        here = Position(line, 0)
        return Range(here, here), text
    end = file.text.end
    return Range(end, end), "\n" + text.removesuffix("\n")


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
