"""Which packages JavaScript and TypeScript code imports."""

from __future__ import annotations

import re

from . import reading
from .model import Files
from .reading import ManifestError

_ENDINGS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
_STATEMENT = re.compile(
    r"""(?mx)
    ^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])(?P<from>[^'"\n]+)\1
    | ^\s*import\s*(['"])(?P<bare>[^'"\n]+)\3
    | \brequire\(\s*(['"])(?P<require>[^'"\n]+)\5\s*\)
    """
)
_BUILT_IN = frozenset(
    [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "trace_events",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
        "zlib",
    ]
)
_MOST_SOURCES = 2_000
_LARGEST_SOURCE = 1 << 20


def imported_packages(files: Files) -> dict[str, str]:
    """Packages that files import, each with the first place; types alone are left out."""
    found: dict[str, str] = {}
    for path in sorted(path for path in files if path.endswith(_ENDINGS))[:_MOST_SOURCES]:
        try:
            source = reading.text(files, path)
        except ManifestError:
            continue
        if source is None or len(source) > _LARGEST_SOURCE:
            continue
        for match in _STATEMENT.finditer(source):
            name = _package_of(match["from"] or match["bare"] or match["require"])
            if name and not match[0].lstrip().startswith("import type"):
                line = source.count("\n", 0, match.end()) + 1
                found.setdefault(name, f"{path}:{line}")
    return found


def _package_of(specifier: str) -> str:
    """`@a/b/c` is of `@a/b`; paths, URLs, aliases and built-in modules are of none."""
    if specifier.startswith((".", "/", "#", "node:", "~", "@/")) or ":" in specifier:
        return ""
    parts = specifier.split("/")
    name = "/".join(parts[: 2 if specifier.startswith("@") else 1])
    return "" if name in _BUILT_IN else name
