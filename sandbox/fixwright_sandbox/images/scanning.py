"""`python -m fixwright_sandbox.images.scanning`: look through the images of the runtimes."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .engine import ImageEngine
from .events import ImageError
from .recipe import base_recipe, chosen
from .sbom import cyclonedx
from .scan import Scan, budget, scan

_SUITE = "trixie"
_PATIENCE = 120


def main() -> int:
    """Scan, telling what was found on standard output; 1 where something must not be."""
    parser = argparse.ArgumentParser("scan-images", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a runtime; all where none is named"
    )
    parser.add_argument(
        "--sbom", type=Path, metavar="FOLDER", help="write bills of materials there"
    )
    parser.add_argument(
        "--vulnerabilities",
        action="store_true",
        help="ask Debian's security tracker, with debsecan",
    )
    asked = parser.parse_args()
    found = 0
    try:
        recipes = [base_recipe(), *chosen(asked.names)]
        with ImageEngine() as engine:
            for recipe in recipes:
                seen = scan(engine, recipe.tag, largest=budget(recipe.name))
                found += len(seen.findings)
                _tell(summary(seen))
                for each in seen.findings:
                    _tell(f"  {each.rule}: {each.place}: {each.message}")
                if asked.sbom is not None:
                    asked.sbom.mkdir(parents=True, exist_ok=True)
                    text = json.dumps(cyclonedx(seen), indent=2) + "\n"
                    (asked.sbom / f"{recipe.name}.cdx.json").write_text(text, encoding="utf-8")
                if asked.vulnerabilities:
                    _tell(f"  vulnerabilities with a fix: {vulnerabilities(seen)}")
    except ImageError as error:
        _tell(f"scan-images: {error}")
        return 1
    return 1 if found else 0


def summary(seen: Scan) -> str:
    """One line about an image."""
    size = f"{seen.size / 1e6:.0f} MB"
    return f"{seen.image}: {size}, {len(seen.packages)} packages, {len(seen.findings)} findings"


def vulnerabilities(seen: Scan) -> str:
    """What Debian's tracker knows of an image's packages, or why nobody could look."""
    debsecan = shutil.which("debsecan")
    if debsecan is None:
        return "not looked for, because debsecan is not installed (apt install debsecan)"
    with tempfile.NamedTemporaryFile(prefix="fixwright-status-") as status:
        status.write(seen.debian_status)
        status.flush()
        command = [debsecan, "--suite", _SUITE, "--only-fixed", "--format", "packages"]
        try:
            answer = subprocess.run(  # noqa: S603 (Debian's program, and a file of ours)
                [*command, "--status", status.name],
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return f"not looked for, because Debian's tracker did not answer in {_PATIENCE} s"
    if answer.returncode != 0:
        reason = answer.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return f"not looked for, because debsecan failed: {reason[0]}"
    return ", ".join(answer.stdout.split()) or "none"


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201 (a program's own output)


if __name__ == "__main__":
    sys.exit(main())
