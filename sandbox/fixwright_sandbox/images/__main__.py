"""`python -m fixwright_sandbox.images`: make the images of the runtimes."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict

from .build import build
from .events import BuildEvent, ImageError, ImageResult, Said, Step

_METADATA = ("ARG ", "CMD ", "ENV ", "LABEL ", "USER ", "WORKDIR ")
"""Instructions that take no time."""


def main() -> int:
    """Build, telling each step on standard error; 0 where every image is there."""
    parser = argparse.ArgumentParser("fixwright_sandbox.images", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a runtime; all where none is named"
    )
    parser.add_argument("--offline", action="store_true", help="ask no image registry")
    parser.add_argument("--force", action="store_true", help="make anew what is up to date")
    parser.add_argument("--verbose", action="store_true", help="show what the steps say")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    asked = parser.parse_args()
    # However it is stopped, what was begun is taken back first.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)

    def tell(event: BuildEvent) -> None:
        if (line := sentence(event, verbose=asked.verbose)) is not None:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 (a program's own output)

    try:
        results = build(asked.names, offline=asked.offline, force=asked.force, report=tell)
    except ImageError as error:
        print(f"build-images: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("build-images: stopped", file=sys.stderr)  # noqa: T201
        return 128 + signal.SIGINT
    if asked.json:
        print(json.dumps([asdict(each) for each in results]))  # noqa: T201
    return 1 if any(each.status == "failed" for each in results) else 0


def sentence(event: BuildEvent, *, verbose: bool) -> str | None:
    """A line that tells people of an event; None where it is not worth one."""
    match event:
        case Step(image, what, number, of) if verbose or not what.startswith(_METADATA):
            where = f" [{number}/{of}]" if number else ""
            return f"{image}{where} {' '.join(what.split())[:140]}"
        case Said(image, line) if verbose:
            return f"{image}: {line}"
        case ImageResult():
            return _ending(event)
        case _:
            return None


def _ending(result: ImageResult) -> str:
    if result.status == "failed":
        return f"{result.image} FAILED: {result.reason}"
    if result.status == "current":
        return f"{result.image} is up to date"
    return f"{result.image} {result.status}: {result.size / 1e6:.0f} MB in {result.seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
