"""Which distribution provides a module: the data set beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import cast


def distribution_of(module: str) -> str | None:
    """The distribution that provides a module such as `cv2` or `google.cloud.storage`.

    The longest known beginning of the name decides. None for a module that nobody entered.
    """
    known = _distributions()
    parts = module.split(".")
    for count in range(len(parts), 0, -1):
        found = known.get(".".join(parts[:count]))
        if found is not None:
            return found
    return None


@cache
def _distributions() -> Mapping[str, str]:
    source = resources.files(__package__ or "").joinpath("names.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    same = cast("list[str]", data["same"]["names"])
    found = {name.replace("-", "_"): name for name in same}
    found.update(cast("dict[str, str]", data["modules"]))
    return MappingProxyType(found)
