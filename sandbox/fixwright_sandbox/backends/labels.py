"""What everything that an environment is made of carries, so that it can be found again."""

from __future__ import annotations

LABEL = "fixwright.sandbox"
OWNER_LABEL = "fixwright.sandbox.owner"
STARTED_LABEL = "fixwright.sandbox.started"
LAYER = "fixwright-layer-"
"""How the names of layers begin."""
RECORD_LABEL = "fixwright.sandbox.record"
"""Of a layer: the file that says that it is complete, see `dependencies.records`."""
OWNER_VARIABLE = "FIXWRIGHT_SANDBOX_OWNER"
"""An environment variable of the outermost process; runs don't see it."""
PYTHON_LABEL = "fixwright.python"
"""Of an image: the Python that starts a runner in it, where that is not `python3`."""
FOLDER = "fixwright-sandbox-"
"""How the names of temporary folders begin; the owner follows."""
