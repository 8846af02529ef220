"""Reading manifests: what is not there is None, what can't be read is a sentence."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import cast

from .model import Files

LARGEST = 16 << 20
"""Bytes of a manifest; lock files of large projects have several MiB."""

Table = Mapping[str, object]


class ManifestError(ValueError):
    """A manifest can't be read; the message names it, where, and why."""


def content(files: Files, path: str) -> bytes | None:
    """A file's bytes; None where there is no such file."""
    read = files.get(path)
    if read is None:
        return None
    try:
        data = read()
    except OSError:
        return None
    if len(data) > LARGEST:
        message = f"{path} is larger than {LARGEST >> 20} MiB; that is no manifest."
        raise ManifestError(message)
    return data


def text(files: Files, path: str) -> str | None:
    """A file's text; None where there is no such file. Raises `ManifestError`."""
    data = content(files, path)
    if data is None:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8: {error.reason} at byte {error.start}."
        raise ManifestError(message) from error


def toml(files: Files, path: str) -> Table | None:
    """A TOML file; None where there is none. Raises `ManifestError`."""
    source = text(files, path)
    if source is None:
        return None
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is not TOML: {error}."
        raise ManifestError(message) from error


def json_object(files: Files, path: str) -> Table | None:
    """A JSON file that holds an object; None where there is none. Raises `ManifestError`."""
    source = text(files, path)
    if source is None:
        return None
    try:
        value: object = json.loads(source)
    except ValueError as error:
        message = f"{path} is not JSON: {error}."
        raise ManifestError(message) from error
    if not isinstance(value, dict):
        message = f"{path} is not a JSON object."
        raise ManifestError(message)
    return cast("Table", value)


def table(value: object) -> Table:
    """A table; empty for anything else."""
    return cast("Table", value) if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """A list; empty for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []


def texts(value: object) -> tuple[str, ...]:
    """The texts of a list."""
    return tuple(each for each in items(value) if isinstance(each, str))


def string(value: object) -> str:
    """A text; empty for anything else."""
    return value if isinstance(value, str) else ""


def line_of(source: str, needle: str) -> int:
    """The one-based line in which `needle` stands first; 1 where it does not."""
    position = source.find(needle)
    return source.count("\n", 0, max(position, 0)) + 1


def among(files: Files, names: Iterable[str]) -> dict[str, bytes]:
    """Those of the files that are there. Raises `ManifestError`."""
    found = ((name, content(files, name)) for name in names)
    return {name: data for name, data in found if data is not None}
