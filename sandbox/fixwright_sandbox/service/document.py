"""Print the OpenAPI document: what `docs/sandbox-openapi.json` is made with."""

from __future__ import annotations

import json
import sys

from .app import described


def document() -> str:
    """The document as the service tells it, in lines that can be compared."""
    return json.dumps(described().openapi(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
