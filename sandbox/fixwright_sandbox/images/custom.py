"""A project's own image, made ready for the runner: from its Dockerfile or devcontainer.json."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fixwright_sandbox.backends.labels import PYTHON_LABEL

from .build import build_one
from .debian import proxies
from .devcontainer import Wanted, wanted
from .engine import ImageEngine
from .events import Began, ImageError, Report, Said, Step, silent
from .halt import Halt
from .recipe import IMAGE_LABEL, RECIPE_LABEL, add_file, portable_recipe

PORTABLE_PYTHON = "/opt/fixwright/python/bin/python3"
_NAME = "fixwright/custom"
_OLDEST = (3, 11)
_VERSION = "import sys; print('Python', *sys.version_info[:2])"
_LARGEST_CONTEXT = 1 << 30
_STEP_MEMORY = 4 << 30
_OUTSIDE = ".fixwright.Dockerfile"
"""What a Dockerfile that lies beside its context is called in there."""
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class CustomImage:
    """An image that a sandbox can be opened with.

    Attributes:
        tag: its name.
        python: the interpreter that the runner needs, in the image.
        brought: whether that was added, because the image had none, or none recent enough.
        unheeded: keys of a devcontainer.json that have no effect in a sandbox.
    """

    tag: str
    python: str
    brought: bool
    unheeded: tuple[str, ...]


def custom(
    project: Path,
    *,
    source: str | None = None,
    host: str | None = None,
    report: Report = silent,
    halt: Halt | None = None,
) -> CustomImage:
    """Make the image that a project asks for; blocks until it is there.

    The runner travels over the sandbox's stream, so the image needs nothing of ours but a Python of
    3.11 or newer. Where it has none, ours is added as one layer under /opt/fixwright/python, with
    its own loader and libraries, so that it runs over any C library, or none.

    The steps of a Dockerfile run in containers with network, as root in there: only call this
    for a project that its user trusts. What it makes is named by what it is made of, and not
    made again.

    Args:
        project: the project's folder.
        source: its Dockerfile or devcontainer.json, relative to it; None looks where these are
            usually.
        host: the engine's address; None is the environment's.
        report: hears what happens.
        halt: stops it.

    Raises:
        ImageError: the project says nothing of an image or something that can't be followed, the
            build fails, or the image can't be used in a sandbox. Nothing is left behind.
    """
    want = wanted(project, source)
    making = _Making(want, host, report, halt or Halt())
    report(Began(f"{_NAME} of {want.source}"))
    with ImageEngine(host) as engine:
        return making.run(engine)


@dataclass(frozen=True)
class _Making:
    want: Wanted
    host: str | None
    report: Report
    halt: Halt

    def run(self, engine: ImageEngine) -> CustomImage:
        if self.want.image:
            self._step(self.want.image, f"Pulling {self.want.image}")
            engine.pull(self.want.image)
            return self._with_python(engine, self.want.image, self.want.image)
        with tempfile.TemporaryFile(prefix="fixwright-image-") as context:
            write_project(self.want, context)
            digest = _digest(context, self.want.args, self.want.target)
            tag = f"{_NAME}:{digest}"
            facts = engine.facts(tag)
            if facts is not None:
                return self._custom(tag, facts.labels)
            raw = f"{_NAME}:{digest}-project"
            try:
                self._build(engine, context, raw)
                return self._with_python(engine, raw, tag)
            finally:
                engine.remove(raw)

    def _build(self, engine: ImageEngine, context: IO[bytes], tag: str) -> None:
        context.seek(0)
        engine.build(
            context,
            tag,
            halt=self.halt,
            told=lambda text, number, of: self._told(tag, text, number, of),
            args={**self.want.args, **proxies()},
            labels={IMAGE_LABEL: "custom"},
            dockerfile=_dockerfile(self.want),
            target=self.want.target,
            memory=_STEP_MEMORY,
        )

    def _with_python(self, engine: ImageEngine, image: str, tag: str) -> CustomImage:
        """Name the image, with a Python where it has none that will do."""
        facts = engine.facts(image)
        assert facts is not None
        if facts.volumes:
            message = (
                f"{self.want.source} declares volumes ({', '.join(facts.volumes)}), which could be "
                "written without bounds; a sandbox runs only images without VOLUME."
            )
            raise ImageError(message)
        version = _python_of(engine, image)
        if version is not None and version >= _OLDEST:
            if image != tag:
                engine.name(image, tag)
            return self._custom(tag, {})
        if image == tag:
            tag = f"{_NAME}:{hashlib.sha256(facts.id.encode()).hexdigest()[:16]}"
        self._step(tag, "Adding a Python for the runner")
        build_one(portable_recipe(), host=self.host, report=self.report, halt=self.halt)
        self._add_python(engine, image, tag, facts.environment, add_name=version is None)
        return self._custom(tag, {PYTHON_LABEL: PORTABLE_PYTHON})

    def _add_python(
        self,
        engine: ImageEngine,
        image: str,
        tag: str,
        environment: tuple[str, ...],
        *,
        add_name: bool,
    ) -> None:
        path = next((each[5:] for each in environment if each.startswith("PATH=")), _USUAL_PATH)
        lines = [
            f"FROM {image}",
            f"COPY --from={portable_recipe().tag} /opt/fixwright/python /opt/fixwright/python",
            f"LABEL {PYTHON_LABEL}={PORTABLE_PYTHON} {RECIPE_LABEL}={portable_recipe().digest()}",
        ]
        if add_name:
            # An image without a python3 may have that name find ours.
            lines.insert(2, f'COPY ["names/", "{path.split(":")[0]}/"]')
        with io.BytesIO() as context:
            with tarfile.open(fileobj=context, mode="w") as archive:
                content = "\n".join(lines).encode()
                member = tarfile.TarInfo("Dockerfile")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
                link = tarfile.TarInfo("names/python3")
                link.type = tarfile.SYMTYPE
                link.linkname = PORTABLE_PYTHON
                archive.addfile(link)
            context.seek(0)
            engine.build(
                context,
                tag,
                halt=self.halt,
                told=lambda text, number, of: self._told(tag, text, number, of),
                args={},
                labels={IMAGE_LABEL: "custom"},
            )

    def _custom(self, tag: str, labels: Mapping[str, str]) -> CustomImage:
        brought = PYTHON_LABEL in labels
        python = labels.get(PYTHON_LABEL, "python3")
        return CustomImage(tag, python, brought, self.want.unheeded)

    def _told(self, image: str, text: str, number: int, of: int) -> None:
        self.report(Step(image, text, number, of) if number else Said(image, text))

    def _step(self, image: str, what: str) -> None:
        self.halt.check()
        self.report(Step(image, what))


def _python_of(engine: ImageEngine, image: str) -> tuple[int, int] | None:
    status, said = engine.try_out(image, ["python3", "-I", "-c", _VERSION])
    found = re.search(r"^Python (\d+) (\d+)", said, re.MULTILINE) if status == 0 else None
    return (int(found[1]), int(found[2])) if found else None


def write_project(want: Wanted, out: IO[bytes]) -> None:
    """Write the build context: the files of a project's folder that .dockerignore lets through.

    Raises `ImageError` where they are more than a gigabyte.
    """
    from docker.utils.build import exclude_paths

    name = _dockerfile(want)
    paths = exclude_paths(str(want.context), _ignored(want), dockerfile=name)
    size = 0
    with tarfile.open(fileobj=out, mode="w") as archive:
        for relative in sorted(paths):
            path = want.context / relative
            if path.is_file() and not path.is_symlink():
                size += path.stat().st_size
            if size > _LARGEST_CONTEXT:
                message = (
                    f"The files beside {want.source} are more than 1 GB, all of which a build "
                    "would be sent; name in .dockerignore what it does not need."
                )
                raise ImageError(message)
            add_file(archive, path, Path(relative).as_posix())
        if name == _OUTSIDE:
            add_file(archive, want.dockerfile, name)


def _dockerfile(want: Wanted) -> str:
    """The Dockerfile's name in the context."""
    if want.dockerfile.is_relative_to(want.context):
        return want.dockerfile.relative_to(want.context).as_posix()
    return _OUTSIDE


def _ignored(want: Wanted) -> list[str]:
    own = want.dockerfile.with_name(f"{want.dockerfile.name}.dockerignore")
    for file in (own, want.context / ".dockerignore"):
        if file.is_file():
            lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
            return [line for line in lines if line and not line.startswith("#")]
    return []


def _digest(context: IO[bytes], args: Mapping[str, str], target: str | None) -> str:
    state = hashlib.sha256(repr((sorted(args.items()), target)).encode())
    context.seek(0)
    while piece := context.read(1 << 20):
        state.update(piece)
    return state.hexdigest()[:16]
