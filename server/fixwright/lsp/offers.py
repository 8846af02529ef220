"""Which of the index's features an editor is offered, by setting and by what else answers there.

A server can't see its neighbours. "auto" goes by their traces: their programs on the PATH, their
extensions in the folders of VS Code, and what VS Code brings itself. Where a language seems to have
a server of its own, only what that server does not do as well is offered: searching all of the
workspace at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from fixwright.config import FeatureName, Features

_PROGRAMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "python": (
        "pyright-langserver", "basedpyright-langserver", "pylsp", "jedi-language-server", "ty",
        "pyrefly",
    ),
    "javascript": ("typescript-language-server", "vtsls", "deno"),
    "go": ("gopls",),
    "rust": ("rust-analyzer",),
    "java": ("jdtls",),
    "c": ("clangd", "ccls"),
    "bash": ("bash-language-server",),
})  # fmt: skip
_EXTENSIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "python": ("ms-python.vscode-pylance-", "ms-pyright.pyright-", "detachhead.basedpyright-"),
    "go": ("golang.go-",),
    "rust": ("rust-lang.rust-analyzer-",),
    "java": ("redhat.java-",),
    "c": ("llvm-vs-code-extensions.vscode-clangd-", "ms-vscode.cpptools-"),
    "bash": ("mads-hartmann.bash-ide-vscode-",),
})  # fmt: skip
_FOLDERS = (".vscode/extensions", ".vscode-server/extensions", ".vscode-oss/extensions")
_LIKE = {"typescript": "javascript", "tsx": "javascript", "cpp": "c"}
_CODE = ("visual studio code", "vscodium", "code - oss", "cursor", "windsurf")
_EVERYWHERE: tuple[FeatureName, ...] = ("symbols",)


@dataclass(frozen=True)
class Offers:
    """The features in force."""

    features: Features = "auto"
    served: frozenset[str] = frozenset()
    """The languages that seem to have a server of their own."""

    def gives(self, feature: FeatureName, language: str | None) -> bool:
        """Whether a feature is offered for a language; None where it is for all at once."""
        if isinstance(self.features, dict):
            choice = self.features.get(feature, "auto")
        else:
            choice = {"auto": "auto", "all": True, "off": False}[self.features]
        if choice != "auto":
            return choice is True
        return feature in _EVERYWHERE or language is None or _kin(language) not in self.served

    @property
    def any(self) -> bool:
        """Whether anything needs the index at all."""
        if isinstance(self.features, str):
            return self.features != "off"
        return True


def served_languages(editor: str) -> frozenset[str]:
    """The languages that seem to have a server in an editor of this name. I/O."""
    found = {
        language
        for language, programs in _PROGRAMS.items()
        if any(shutil.which(program) for program in programs)
    }
    if editor.lower().startswith(_CODE):
        found.add("javascript")  # VS Code brings that server itself
        installed = tuple(_extensions())
        found |= {
            language
            for language, prefixes in _EXTENSIONS.items()
            if any(name.startswith(prefixes) for name in installed)
        }
    return frozenset(found)


def _extensions() -> Iterator[str]:
    for folder in _FOLDERS:
        try:
            yield from (each.name.lower() for each in (Path.home() / folder).iterdir())
        except OSError:  # no such editor here
            continue


def _kin(language: str) -> str:
    return _LIKE.get(language, language)
