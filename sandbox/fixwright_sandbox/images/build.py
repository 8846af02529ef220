"""Making the images of the runtimes."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from .debian import bring_debian, mirrors, proxies
from .engine import ImageEngine
from .events import (
    Began,
    BuildEvent,
    ImageError,
    ImageResult,
    ImageStatus,
    Report,
    Said,
    Step,
    silent,
)
from .fetch import fetch
from .halt import Halt
from .recipe import IMAGE_LABEL, RECIPE_LABEL, Recipe, base_recipe, chosen, write_context
from .store import Store, has_image

_ORIGIN = "fixwright.origin"


def default_cache() -> Path:
    """Where root file systems and saved images are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fixwright" / "images"


def build(
    names: Iterable[str] = (),
    *,
    offline: bool = False,
    force: bool = False,
    host: str | None = None,
    cache: Path | None = None,
    parallel: int | None = None,
    report: Report = silent,
    halt: Halt | None = None,
) -> tuple[ImageResult, ...]:
    """Make the images of these runtimes, all where none is named; blocks until they are there.

    An image is made when the engine has none of today's recipe. Each starts from
    `fixwright/base:1`, which starts from Debian's official image or, where no registry answers,
    from a root file system of Debian packages. Images made without a registry are kept in the
    cache, from which an engine that lost them gets them back in seconds.

    One image that fails does not keep the others from being made: its result says `failed`, and
    nothing else is left of it.

    Args:
        names: runtimes, such as `go`; `bash` runs in the image of `python`.
        offline: ask no image registry.
        force: make them anew, with today's packages; the base too, where no runtime is named.
        host: the engine's address; None is the environment's.
        cache: a folder of one's own instead of `default_cache()`.
        parallel: images that are made at once; None is as many as there are processors, but
            no more than three.
        report: hears what happens.
        halt: stops all of it.

    Returns:
        A result for the base and for each runtime, in the order in which they were done.

    Raises:
        ImageError: no engine answers, or there is no image of that name.
    """
    named = tuple(names)
    return _Making(
        recipes=tuple(chosen(named)),
        offline=offline,
        force=force,
        force_base=force and not named,
        host=host,
        store=Store(cache or default_cache()),
        keep=True,
        parallel=parallel or min(3, os.cpu_count() or 1),
        report=_one_at_a_time(report),
        halt=halt or Halt(),
    ).run()


def build_one(
    recipe: Recipe,
    *,
    offline: bool = False,
    force: bool = False,
    host: str | None = None,
    cache: Path | None = None,
    keep: bool = True,
    report: Report = silent,
    halt: Halt | None = None,
) -> ImageResult:
    """Make one image that is no runtime's, and what it starts from.

    The arguments are those of `build`; without `keep`, nothing is put into the cache.
    Raises `ImageError` where it fails, too.
    """
    making = _Making(
        recipes=(recipe,),
        offline=offline,
        force=force,
        force_base=False,
        host=host,
        store=Store(cache or default_cache()),
        keep=keep,
        parallel=1,
        report=_one_at_a_time(report),
        halt=halt or Halt(),
    )
    result = making.run()[-1]
    if result.status == "failed":
        raise ImageError(result.reason)
    return result


def _one_at_a_time(report: Report) -> Report:
    lock = threading.Lock()

    def told(event: BuildEvent) -> None:
        with lock:
            report(event)

    return told


@dataclass(frozen=True)
class _Making:
    """One call of `build`."""

    recipes: tuple[Recipe, ...]
    offline: bool
    force: bool
    force_base: bool
    host: str | None
    store: Store
    keep: bool
    parallel: int
    report: Report
    halt: Halt

    def run(self) -> tuple[ImageResult, ...]:
        with (
            ImageEngine(self.host) as engine,
            self.store.alone(self.halt, self._waiting),
            ThreadPoolExecutor(self.parallel) as workers,
        ):
            try:
                # In a worker, too: an interrupt reaches this thread, which then halts the work.
                base = workers.submit(self._attempt, base_recipe()).result()
                if base.status == "failed":
                    spoilt = replace(base, seconds=0.0, reason=f"Its base failed: {base.reason}")
                    return (base, *(replace(spoilt, image=each.tag) for each in self.recipes))
                work = [workers.submit(self._attempt, each) for each in self.recipes]
                results = (base, *(each.result() for each in work))
            except BaseException:
                self.halt.halt()
                raise
            engine.sweep(IMAGE_LABEL)
            return results

    def _attempt(self, recipe: Recipe) -> ImageResult:
        started = time.monotonic()
        self.report(Began(recipe.tag))
        try:
            self.halt.check()
            # The connections of an engine are not for several threads.
            with ImageEngine(self.host) as engine:
                result = self._make(recipe, engine)
        except ImageError as error:
            result = ImageResult(recipe.tag, "failed", 0.0, reason=str(error))
        result = replace(result, seconds=time.monotonic() - started)
        self.report(result)
        return result

    def _make(self, recipe: Recipe, engine: ImageEngine) -> ImageResult:
        if not self._forced(recipe):
            if has_image(engine, recipe):
                return self._result(recipe, engine, "current")
            archive = self.store.archive(recipe, engine.architecture)
            if archive.exists():
                self._step(recipe, f"Loading {archive.name}")
                self.store.load(archive, engine, self._said(recipe))
                if has_image(engine, recipe):
                    return self._result(recipe, engine, "loaded")
        made_offline = self._build(recipe, engine)
        if made_offline and self.keep:
            self._step(recipe, "Saving it")
            self.store.save(recipe, engine, self.halt)
        return self._result(recipe, engine, "built")

    def _forced(self, recipe: Recipe) -> bool:
        return self.force if recipe.base is not None else self.force_base

    def _result(self, recipe: Recipe, engine: ImageEngine, status: ImageStatus) -> ImageResult:
        facts = engine.facts(recipe.tag)
        assert facts is not None
        return ImageResult(recipe.tag, status, 0.0, facts.size)

    def _build(self, recipe: Recipe, engine: ImageEngine) -> bool:
        """Build an image; whether that was without a registry."""
        labels = {RECIPE_LABEL: recipe.digest()}
        if recipe.base is None:
            origin = self._debian(recipe, engine)
            made_offline = origin is not None
            labels[_ORIGIN] = "packages" if made_offline else "registry"
            args = {"DEBIAN": origin} if origin is not None else {}
        else:
            base = engine.facts(recipe.base.tag)
            made_offline = base is not None and base.labels.get(_ORIGIN) == "packages"
            args = {"BASE": recipe.base.tag}
        with tempfile.TemporaryDirectory(prefix="fixwright-image-") as scratch:
            context = Path(scratch, "context.tar")
            fetched = Path(scratch, "fetched")
            self._step(recipe, "Fetching packages")
            found = fetch(recipe, engine.architecture, fetched, self.halt, self._said(recipe))
            with context.open("wb") as out:
                write_context(recipe, fetched if found else None, out)
            with context.open("rb") as archive:
                engine.build(
                    archive,
                    recipe.tag,
                    halt=self.halt,
                    told=lambda text, number, of: self._told(recipe, text, number, of),
                    args={**args, **mirrors(), **proxies()},
                    labels=labels,
                    fresh=self._forced(recipe),
                )
        return made_offline

    def _debian(self, recipe: Recipe, engine: ImageEngine) -> str | None:
        """The image that the base starts from, if it is not the official one."""
        official = recipe.official_base()
        if not self.offline:
            try:
                self._step(recipe, f"Pulling {official}")
                engine.pull(official)
            except ImageError as error:
                self.report(Said(recipe.tag, str(error)))
            else:
                return None
        self._step(recipe, "Making it from Debian packages")
        said = self._said(recipe)
        force = self.force_base
        cache = self.store.folder
        return bring_debian(recipe, engine, cache, force=force, halt=self.halt, said=said)

    def _told(self, recipe: Recipe, text: str, number: int, of: int) -> None:
        if number:
            self.report(Step(recipe.tag, text, number, of))
        else:
            self.report(Said(recipe.tag, text))

    def _said(self, recipe: Recipe) -> Callable[[str], None]:
        return lambda line: self.report(Said(recipe.tag, line))

    def _waiting(self) -> None:
        self.report(Step(base_recipe().tag, "Waiting for another process that makes images"))

    def _step(self, recipe: Recipe, what: str) -> None:
        self.halt.check()
        self.report(Step(recipe.tag, what))
