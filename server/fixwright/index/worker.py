"""The index's worker: a process that parses files, so that a crash in a grammar costs one file.

It reads one JSON object a line, `{"language": …, "path": …}` or `{"language": …, "text": …}`, and
answers each with one: `{"definitions": [...], "imports": [...]}`, or `{"unreadable": "why"}`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.index.extract import extract
from fixwright.index.languages import language_for
from fixwright.workspace.document import UnknownDocument, decode, read_bytes
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_NICENESS = 10


def main() -> None:
    """Answers until its input ends: its parent is gone then."""
    os.nice(_NICENESS)
    for line in sys.stdin.buffer:
        answer = json.dumps(_answer(json.loads(line)), ensure_ascii=True)
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


def _answer(question: Mapping[str, str]) -> dict[str, object]:
    language = language_for(question["language"])
    if language is None:
        return {"unreadable": f"no language {question['language']}"}
    try:
        text = Text(question["text"]) if "text" in question else _read(question["path"])
    except UnknownDocument as error:
        return {"unreadable": str(error)}
    found = extract(text, language)
    return {"definitions": found.definitions, "imports": found.imports}


def _read(path: str) -> Text:
    file = Path(path)
    return decode(path_to_uri(file), read_bytes(file)).text


if __name__ == "__main__":
    main()
