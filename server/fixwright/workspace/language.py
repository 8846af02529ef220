"""The LSP language id of a file that no editor has named."""

from __future__ import annotations

import re
from pathlib import Path

_BY_SUFFIX = {
    ".bash": "shellscript",
    ".c": "c",
    ".c++": "cpp",
    ".cc": "cpp",
    ".cjs": "javascript",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".css": "css",
    ".cts": "typescript",
    ".cxx": "cpp",
    ".go": "go",
    ".h": "c",
    ".hh": "cpp",
    ".hpp": "cpp",
    ".html": "html",
    ".hxx": "cpp",
    ".java": "java",
    ".js": "javascript",
    ".json": "json",
    ".jsx": "javascriptreact",
    ".lua": "lua",
    ".md": "markdown",
    ".mjs": "javascript",
    ".mts": "typescript",
    ".php": "php",
    ".py": "python",
    ".pyi": "python",
    ".pyw": "python",
    ".rb": "ruby",
    ".rs": "rust",
    ".sh": "shellscript",
    ".sql": "sql",
    ".toml": "toml",
    ".ts": "typescript",
    ".tsx": "typescriptreact",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*)?(?:\S*/)?(?P<name>[a-z]+)")
_BY_INTERPRETER = {
    "bash": "shellscript",
    "dash": "shellscript",
    "ksh": "shellscript",
    "lua": "lua",
    "node": "javascript",
    "perl": "perl",
    "python": "python",
    "ruby": "ruby",
    "sh": "shellscript",
    "zsh": "shellscript",
}


def guess_language(path: Path | None, head: str) -> str:
    """The language id by name, else by a ``#!`` line in `head`, else ``plaintext``."""
    if path is not None and (language := _BY_SUFFIX.get(path.suffix.lower())):
        return language
    shebang = _SHEBANG.match(head)
    if shebang is None:
        return "plaintext"
    return _BY_INTERPRETER.get(shebang["name"], "plaintext")
