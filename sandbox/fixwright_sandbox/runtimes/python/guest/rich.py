"""What a value looks like: its text, and what else it or its library knows to show, bounded.

Nothing is imported for it: a library whose values are known here is looked up among those that
the program has imported.
"""

from __future__ import annotations

import base64
import io
import json
import math
import sys
from collections.abc import Callable
from typing import Any, cast

from fixwright_sandbox.guest.bounds import clip

TABLE = "application/vnd.fixwright.table+json"
"""A table: `columns`, `index`, `rows` of values, and how many there are of them (`total`)."""

_MOST = 2 << 20
"""Characters of one form of a value; base64 counts as it is."""
_LONGEST_TEXT = 100_000
_ROWS = 200
_COLUMNS = 50
_LONGEST_CELL = 1000
_METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "application/json": "_repr_json_",
}
Data = dict[str, Any]
"""By MIME type: text, base64 of what is binary, or what JSON can hold."""
Complain = Callable[[str], object]


def data_of(value: object, complain: Complain) -> Data:
    """Every form of a value.

    Args:
        value: anything; its own methods are called.
        complain: is given a sentence for each form that can't be had.

    Raises:
        BaseException: what its `__repr__` raises.
    """
    data: Data = {"text/plain": clip(str.__str__(repr(value)), _LONGEST_TEXT)}
    for name, content in _forms(value, complain).items():
        if content is None:
            continue
        form = _sendable(content)
        if form is None:
            complain(f"The {name} of a {type(value).__name__} is no text, bytes or JSON.")
        elif len(form if isinstance(form, str) else json.dumps(form)) > _MOST:
            complain(f"The {name} of a {type(value).__name__} is too large to be shown.")
        else:
            data[name] = form
    return data


def figure_data(figure: Any) -> Data:
    """A figure of matplotlib as a picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    picture = base64.b64encode(buffer.getvalue()).decode()
    return {"text/plain": clip(repr(figure), 1000), "image/png": picture}


def is_figure(value: object) -> bool:
    """Whether it is a figure of matplotlib, which then is imported."""
    figure = getattr(sys.modules.get("matplotlib.figure"), "Figure", None)
    return isinstance(figure, type) and isinstance(value, figure)


def _forms(value: object, complain: Complain) -> Data:
    if isinstance(value, type):  # its methods are its instances'
        return {}
    forms: Data = {}
    given = _call(value, "_repr_mimebundle_", complain)
    if isinstance(given, tuple):
        given = cast("tuple[Any, ...]", given)[0]
    if isinstance(given, dict):
        bundle = cast("dict[Any, Any]", given)
        forms.update({str(name): content for name, content in bundle.items() if content})
    for name, method in _METHODS.items():
        content = None if name in forms else _call(value, method, complain)
        if content is not None:
            forms[name] = cast("Any", content[0] if isinstance(content, tuple) else content)
    if is_figure(value):
        forms["image/png"] = figure_data(value)["image/png"]
    table = _table(value)
    if table is not None:
        forms[TABLE] = table
    return forms


def _call(value: object, method: str, complain: Complain) -> Any:
    function = getattr(type(value), method, None)
    if function is None:
        return None
    try:
        return function(value)
    except Exception as error:  # noqa: BLE001 (the program's own method may raise anything)
        complain(f"{type(value).__name__}.{method} raised {type(error).__name__}: {error}")
        return None


def _sendable(content: object) -> Any:
    if isinstance(content, bytes | bytearray):
        return base64.b64encode(content).decode()
    if isinstance(content, str):
        return str.__str__(content).encode("utf-8", "replace").decode()
    try:
        json.dumps(content, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None
    return content


def _table(value: object) -> Data | None:
    """A table of pandas as data, its head where it is long."""
    pandas = sys.modules.get("pandas")
    kinds = tuple(getattr(pandas, name, None) for name in ("DataFrame", "Series"))
    if not all(isinstance(kind, type) for kind in kinds):
        return None
    frame_type, series_type = cast("tuple[type, type]", kinds)
    frame: Any = value
    if isinstance(frame, series_type):
        frame = frame.to_frame()
    if not isinstance(frame, frame_type):
        return None
    shown: Any = frame.iloc[:_ROWS, :_COLUMNS]
    total: list[int] = [int(size) for size in frame.shape]
    return {
        "columns": [
            {"name": _plain_text(name), "type": str(kind)}
            for name, kind in zip(shown.columns, shown.dtypes, strict=True)
        ],
        "index": [_plain(each) for each in shown.index],
        "rows": [
            [_plain(each) for each in row] for row in shown.itertuples(index=False, name=None)
        ],
        "total": total,
    }


def _plain(value: Any) -> Any:
    if hasattr(value, "item") and not isinstance(value, str):  # a number of numpy's
        try:
            value = value.item()
        except (TypeError, ValueError):
            return _plain_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _plain_text(value)


def _plain_text(value: object) -> str:
    return clip(str(value), _LONGEST_CELL).encode("utf-8", "replace").decode()
