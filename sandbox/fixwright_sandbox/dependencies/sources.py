"""Where packages come from: what the user has set for pip, npm, Go, Cargo and Maven, no workspace.

Settings of a workspace are not read: who can write a file there could send others to a registry
of his own.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .cargo import registries
from .maven import SECURITY, SETTINGS

_PIP = (
    *("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "TRUSTED_HOST", "PREFER_BINARY"),
    *("ONLY_BINARY", "NO_BINARY", "DEFAULT_TIMEOUT", "RETRIES", "CERT", "PROXY", "PRE"),
)
_NPM = ("registry", "cafile", "proxy", "https_proxy", "noproxy", "strict_ssl")
_GO = ("GOPROXY", "GONOSUMDB", "GOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE")
_CARGO = re.compile(r"CARGO_HTTP_(?:CAINFO|PROXY)|CARGO_REGISTRIES_\w+_TOKEN")
_EVERYWHERE = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")
_FILES = {"PIP_CERT", "SSL_CERT_FILE", "npm_config_cafile", "CARGO_HTTP_CAINFO"}
_PLACES = {"PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "GOPROXY"}
_SECRET = re.compile(r"//(?P<secret>[^/@\s]+)@")
_MAVEN_PLACE = re.compile(r">\s*(file:[^<\s]+)")
_MAVEN_SECRET = re.compile(r"<(?:password|passphrase)>\s*([^<]+?)\s*</")
_MAVEN_VARIABLE = re.compile(r"\$\{env\.(\w+)\}")
_OURS = ".fixwright"
CARGO_CONFIG = f"{_OURS}/cargo.toml"
"""Where an installation finds the user's registries of crates."""


@dataclass(frozen=True)
class Sources:
    """What an installation is told of the user's settings.

    Attributes:
        environment: variables for the installation alone.
        files: what it needs of files, by path in its tree.
        shown: folders of this machine with packages; it can read them.
        secrets: what must not be shown or kept.
    """

    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    shown: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


def sources(runtime: str, environ: Mapping[str, str] = os.environ) -> Sources:
    """The user's settings for a runtime's package manager. Reads files."""
    variables = _chosen(runtime, environ)
    files: dict[str, bytes] = {}
    shown: list[str] = []
    for name in list(variables):
        if name in _FILES:
            try:
                files[f"{_OURS}/{name}"] = Path(variables[name]).read_bytes()
                variables[name] = f"/workspace/{_OURS}/{name}"
            except OSError:
                del variables[name]  # the system's own certificates are there anyway
        elif name in _PLACES:
            shown += _folders(variables[name])
    if runtime == "node":
        _add_npmrc(variables, files, environ)
    secrets = {match["secret"] for each in variables.values() for match in _SECRET.finditer(each)}
    if runtime == "rust":
        told = registries(_cargo_home(environ))
        files |= {CARGO_CONFIG: told.config.encode()} if told.config else {}
        secrets |= {value for name, value in variables.items() if name.endswith("_TOKEN")}
    if runtime == "java":
        settings = _add_maven(variables, files, environ)
        shown += _folders(" ".join(_MAVEN_PLACE.findall(settings)))
        secrets |= {*_MAVEN_SECRET.findall(settings), *_named(settings, environ).values()}
    secrets |= _tokens(files.get(f"{_OURS}/npmrc", b"").decode("utf-8", "replace"))
    return Sources(variables, files, tuple(dict.fromkeys(shown)), tuple(sorted(secrets)))


def _chosen(runtime: str, environ: Mapping[str, str]) -> dict[str, str]:
    names = [*_EVERYWHERE, *(name.lower() for name in _EVERYWHERE[:4])]
    variables = {name: environ[name] for name in names if name in environ}
    if runtime == "python":
        variables |= _pip_files(environ)
        variables |= {
            f"PIP_{name}": environ[f"PIP_{name}"] for name in _PIP if f"PIP_{name}" in environ
        }
    elif runtime == "node":
        for name in _NPM:
            key = f"npm_config_{name}"
            value = environ.get(key) or environ.get(key.upper())
            if value:
                variables[key] = value
    elif runtime == "go":
        told = {**_go_file(environ), **environ}
        variables |= {name: told[name] for name in _GO if name in told}
    elif runtime == "rust":
        told = registries(_cargo_home(environ))
        variables |= {"CARGO_HTTP_CAINFO": told.certificates, **told.tokens}
        variables |= {name: value for name, value in environ.items() if _CARGO.fullmatch(name)}
    return {name: value for name, value in variables.items() if value}


def _cargo_home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("CARGO_HOME") or Path(environ.get("HOME") or Path.home(), ".cargo"))


def _go_file(environ: Mapping[str, str]) -> dict[str, str]:
    """What `go env -w` has set."""
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    try:
        lines = Path(environ.get("GOENV") or config / "go/env").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _pip_files(environ: Mapping[str, str]) -> dict[str, str]:
    """What pip's own files of the machine and of the user say, as variables."""
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    told = environ.get("PIP_CONFIG_FILE")
    paths = [Path("/etc/pip.conf"), config / "pip/pip.conf", home / ".pip/pip.conf"]
    found: dict[str, str] = {}
    for path in [*paths, *([Path(told)] if told else [])]:
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                for key, value in parser.items(section):
                    name = key.upper().replace("-", "_")
                    if name in _PIP:
                        found[f"PIP_{name}"] = " ".join(value.split())
    return found


def _folders(value: str) -> list[str]:
    """Folders of this machine among addresses: of a `file:` index all of it is needed."""
    found: list[str] = []
    for each in re.split(r"[\s,|]+", value):
        parts = urlsplit(each)
        path = parts.path if parts.scheme == "file" else each if each.startswith("/") else ""
        if path and Path(path).is_dir():
            folder = Path(path)
            above = folder.parent if parts.scheme == "file" else folder
            found.append(str(folder if above == Path("/") else above))
    return found


def _add_npmrc(
    variables: dict[str, str], files: dict[str, bytes], environ: Mapping[str, str]
) -> None:
    """The user's own .npmrc, which may hold tokens: nothing that could read it runs there."""
    home = Path(environ.get("HOME") or Path.home())
    path = Path(environ.get("npm_config_userconfig") or home / ".npmrc")
    try:
        files[f"{_OURS}/npmrc"] = path.read_bytes()
    except OSError:
        return
    variables["npm_config_userconfig"] = f"/workspace/{_OURS}/npmrc"


def _add_maven(
    variables: dict[str, str], files: dict[str, bytes], environ: Mapping[str, str]
) -> str:
    """The user's own settings of Maven, with the variables that they name; returns their text."""
    home = Path(environ.get("HOME") or Path.home(), ".m2")
    for name in (SETTINGS, SECURITY):
        with contextlib.suppress(OSError):
            files[name] = (home / Path(name).name).read_bytes()
    settings = files.get(SETTINGS, b"").decode("utf-8", "replace")
    variables |= _named(settings, environ)
    return settings


def _named(settings: str, environ: Mapping[str, str]) -> dict[str, str]:
    names = _MAVEN_VARIABLE.findall(settings)
    return {name: environ[name] for name in names if environ.get(name)}


def _tokens(npmrc: str) -> set[str]:
    return {
        value.strip().strip('"')
        for line in npmrc.splitlines()
        for key, equals, value in [line.partition("=")]
        if equals and key.strip().endswith(("_authToken", "_auth", "_password")) and value.strip()
    }
