"""Go: `go.mod` and `go.sum`."""

from __future__ import annotations

import re

from . import reading
from .model import Files, Package, Wanted
from .reading import ManifestError

_REQUIRE = re.compile(r"^\s*(?:require\s+)?(?P<name>[\w.~/-]+\.[\w.~/-]+)\s+(?P<version>v\S+)")


_NO_SUM = (
    "There is no go.sum, so nothing says that the modules are the right ones; run `go mod tidy`."
)


def wanted(files: Files) -> Wanted:
    """What a tree's go.mod asks for; what its `vendor` folder holds is there already."""
    if any(path.startswith("vendor/") for path in files):
        return Wanted("go")
    try:
        source = reading.text(files, "go.mod")
        modules = sorted(path for path in files if path.rpartition("/")[2] == "go.mod")
        manifests = reading.among(files, (*modules, "go.sum"))
    except ManifestError as error:
        return Wanted("go", problems=(str(error),))
    if source is None:
        return Wanted("go")
    packages = tuple(
        Package(match["name"], f"@{match['version']}", f"go.mod:{number}")
        for number, line in enumerate(source.splitlines(), 1)
        if not line.strip().startswith(("//", "replace", "exclude", "retract"))
        and "=>" not in line
        and (match := _REQUIRE.match(line))
    )
    unproven = bool(packages) and "go.sum" not in manifests
    return Wanted(
        runtime="go",
        packages=packages,
        manifests=manifests if packages else {},
        locked="go.sum" in manifests,
        problems=(_NO_SUM,) if unproven else (),
    )
