"""What an image is made of: the files of one folder, and the image it starts from."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .events import ImageError

IMAGE_LABEL = "fixwright.image"
RECIPE_LABEL = "fixwright.recipe"
_NAMED = re.compile(rf"^LABEL {re.escape(IMAGE_LABEL)}=(\S+)$", re.MULTILINE)
_DEFAULT = re.compile(r"^ARG \w+=(\S+)$", re.MULTILINE)
_PACKAGE = Path(__file__).parents[1]
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one image is made.

    Attributes:
        name: what people say to build it.
        tag: the image's name in an engine.
        folder: its Dockerfile, and what that copies.
        base: the recipe of the image that it starts from; none for the base of all.
    """

    name: str
    tag: str
    folder: Path
    base: Recipe | None = None

    def files(self) -> list[Path]:
        """Every file of the recipe, in a fixed order."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path for path in found if "__pycache__" not in path.parts)

    def digest(self) -> str:
        """The recipe in 16 hexadecimal digits, which an image carries as a label."""
        state = hashlib.sha256()
        for file in self.files():
            content = file.read_bytes()
            head = f"{file.relative_to(self.folder).as_posix()}\0{len(content)}\0"
            state.update(head.encode() + content)
        if self.base is not None:
            state.update(self.base.digest().encode())
        return state.hexdigest()[:16]

    def official_base(self) -> str:
        """The registry's image that a Dockerfile names as the default of its first argument."""
        found = _DEFAULT.search((self.folder / "Dockerfile").read_text(encoding="utf-8"))
        assert found is not None
        return found[1]


def base_recipe() -> Recipe:
    """What every image starts from."""
    return _read(_HERE / "base", None)


def portable_recipe() -> Recipe:
    """A Python that runs in any Linux image, for images that bring none."""
    return _read(_HERE / "portable", base_recipe())


def runtime_recipes() -> dict[str, Recipe]:
    """The recipe of every runtime that has an image, by the runtime's name."""
    base = base_recipe()
    dockerfiles = sorted(_PACKAGE.glob("runtimes/*/image/Dockerfile"))
    return {file.parents[1].name: _read(file.parent, base) for file in dockerfiles}


def chosen(names: Iterable[str]) -> list[Recipe]:
    """The recipes of these runtimes, all where none is named. Raises `ImageError`."""
    known = runtime_recipes()
    wanted = list(dict.fromkeys(names)) or list(known)
    for name in wanted:
        if name not in known:
            message = f"There is no image for {name!r}; there are {', '.join(known)}."
            raise ImageError(message)
    return [known[name] for name in wanted]


def _read(folder: Path, base: Recipe | None) -> Recipe:
    named = _NAMED.search((folder / "Dockerfile").read_text(encoding="utf-8"))
    if named is None:
        message = f"{folder / 'Dockerfile'} has no line LABEL {IMAGE_LABEL}=NAME:VERSION."
        raise ImageError(message)
    label = named[1]
    return Recipe(label.partition(":")[0], f"fixwright/{label}", folder, base)


def write_context(recipe: Recipe, fetched: Path | None, out: IO[bytes]) -> None:
    """Write the build context: the recipe's files, and what was fetched for it.

    The bytes depend on names, content and execute bits only, so that an engine finds again
    what it has built already.
    """
    with tarfile.open(fileobj=out, mode="w") as archive:
        for file in recipe.files():
            add_file(archive, file, file.relative_to(recipe.folder).as_posix())
        if fetched is not None:
            for path in _walk(fetched):
                add_file(archive, path, f"fetched/{path.relative_to(fetched).as_posix()}")


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def add_file(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file, a folder or a link; what is none of these is left out."""
    member = tarfile.TarInfo(name)
    if path.is_symlink():
        member.type = tarfile.SYMTYPE
        member.linkname = str(path.readlink())
        archive.addfile(member)
    elif path.is_dir():
        member.type = tarfile.DIRTYPE
        member.mode = 0o755
        archive.addfile(member)
    elif path.is_file():
        content = path.read_bytes()
        # An installer may lose a script's execute bit, never its first line.
        script = content.startswith(b"#!") or os.access(path, os.X_OK)
        member.mode = 0o755 if script else 0o644
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
