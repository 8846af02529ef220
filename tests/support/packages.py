"""Packages of our own and a registry for them, so that installations are real and need nobody."""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def write_wheel(folder: Path, name: str, version: str, files: Mapping[str, str]) -> Path:
    """Write a wheel of pure Python; `files` go as they are into `site-packages`."""
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wheel(name, version, files))
    return path


def wheel(name: str, version: str, files: Mapping[str, str]) -> bytes:
    """A wheel's bytes."""
    told = f"{name.replace('-', '_')}-{version}.dist-info"
    contents = {
        **files,
        f"{told}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{told}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in contents.items()
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
        archive.writestr(f"{told}/RECORD", f"{record}{told}/RECORD,,\n")
    return data.getvalue()


def write_sdist(folder: Path, name: str, version: str, backend: str) -> Path:
    """Write a source archive that is built by code of its own: `backend`, a module's text."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    files = {
        "pyproject.toml": (
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        ),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "backend.py": backend,
    }
    with tarfile.open(path, "w:gz") as archive:
        for inside, text in files.items():
            entry = tarfile.TarInfo(f"{stem}/{inside}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@dataclass(frozen=True)
class Index:
    """A registry for pip that runs here; `asked` are the paths that it was asked for."""

    url: str
    asked: list[str] = field(default_factory=list[str])
    passwords: list[str] = field(default_factory=list[str])


@contextmanager
def serve_index(folder: Path) -> Generator[Index]:
    """Serve a folder of wheels and source archives as a registry on loopback."""
    for file in [each for each in folder.iterdir() if each.is_file()]:
        project = folder / "simple" / file.name.split("-")[0].replace("_", "-").lower()
        project.mkdir(parents=True, exist_ok=True)
        (project / file.name).write_bytes(file.read_bytes())
        links = [each.name for each in project.iterdir() if each.name != "index.html"]
        page = "".join(f'<a href="{link}">{link}</a>\n' for link in sorted(links))
        (project / "index.html").write_text(f"<!DOCTYPE html><html><body>{page}</body></html>")
    asked: list[str] = []
    passwords: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Remember instead of printing."""
            asked.append(self.path)
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            if given:
                passwords.append(base64.b64decode(given).decode())

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Index(f"http://127.0.0.1:{server.server_address[1]}/simple", asked, passwords)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def publish_to_npm(folder: Path, address: str, name: str, files: Mapping[str, str]) -> None:
    """Put version 1.0.0 of a package into a served folder, as a registry of npm's has it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    (folder / f"{name}.tgz").write_bytes(data.getvalue())
    integrity = base64.b64encode(hashlib.sha512(data.getvalue()).digest()).decode()
    dist = {"tarball": f"{address}/{name}.tgz", "integrity": f"sha512-{integrity}"}
    version = {**json.loads(files["package.json"]), "hasInstallScript": True, "dist": dist}
    told = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    (folder / name).write_text(json.dumps(told))


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def publish_to_go(folder: Path, path: str, version: str, source: str) -> str:
    """Put a module of one file into a served folder, as a module proxy has it; returns its go.sum.

    The checksums are of the kind `h1`: SHA-256 over the lines that `sha256sum` would print.
    """
    root = folder / path / "@v"
    root.mkdir(parents=True, exist_ok=True)
    manifest = f"module {path}\n\ngo 1.21\n"
    prefix = f"{path}@{version}"
    contents = {f"{prefix}/go.mod": manifest, f"{prefix}/kit.go": source}
    (root / "list").write_text(f"{version}\n")
    (root / f"{version}.info").write_text(json.dumps({"Version": version}))
    (root / f"{version}.mod").write_text(manifest)
    with zipfile.ZipFile(root / f"{version}.zip", "w") as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    whole, own = _go_sum(contents), _go_sum({"go.mod": manifest})
    return f"{path} {version} {whole}\n{path} {version}/go.mod {own}\n"


def _go_sum(contents: Mapping[str, str]) -> str:
    lines = "".join(
        f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"
        for name, text in sorted(contents.items())
    )
    return "h1:" + base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()


def publish_to_cargo(folder: Path, address: str, name: str, source: str) -> str:
    """Put version 1.0.0 of a crate into a served folder, as a sparse registry has it.

    Returns the registry's address as Cargo's configuration names it.
    """
    manifest = f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"\n'
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for path, text in {"Cargo.toml": manifest, "src/lib.rs": source}.items():
            entry = tarfile.TarInfo(f"{name}-1.0.0/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    crate = folder / "crates" / name / "1.0.0" / "download"
    crate.parent.mkdir(parents=True, exist_ok=True)
    crate.write_bytes(data.getvalue())
    entries = folder / "index" / name[:2] / name[2:4]
    entries.mkdir(parents=True, exist_ok=True)
    (folder / "index" / "config.json").write_text(json.dumps({"dl": f"{address}/crates"}))
    checksum = hashlib.sha256(data.getvalue()).hexdigest()
    told = {"name": name, "vers": "1.0.0", "deps": [], "cksum": checksum, "features": {}}
    (entries / name).write_text(json.dumps({**told, "yanked": False}) + "\n")
    return f"sparse+{address}/index/"


def publish_to_maven(
    folder: Path,
    name: str,
    version: str,
    classes: Mapping[str, str],
    more: str = "",
    packaging: str = "jar",
) -> None:
    """Put an artifact of `org.example` into a served folder, in the layout of a Maven repository.

    Args:
        folder: the repository.
        name: the artifact's.
        version: its version.
        classes: sources by path, compiled by javac; without any it is a POM alone.
        more: the rest of the POM.
        packaging: the POM's.
    """
    place = folder / "org" / "example" / name / version
    place.mkdir(parents=True, exist_ok=True)
    pom = (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        f"<groupId>org.example</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version><packaging>{packaging}</packaging>{more}</project>"
    )
    write_summed(place / f"{name}-{version}.pom", pom.encode())
    if classes:
        write_summed(place / f"{name}-{version}.jar", _jar(classes))


def write_summed(path: Path, data: bytes) -> None:
    """Write a file with its SHA-1 beside it, as a Maven repository has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_name(f"{path.name}.sha1").write_text(hashlib.sha1(data).hexdigest())


def _jar(classes: Mapping[str, str]) -> bytes:
    with tempfile.TemporaryDirectory() as made:
        sources = Path(made, "sources")
        for path, text in classes.items():
            (sources / path).parent.mkdir(parents=True, exist_ok=True)
            (sources / path).write_text(text)
        argv = ["javac", "--release", "17", "-d", f"{made}/classes"]
        argv += [str(sources / path) for path in classes]
        subprocess.run(argv, check=True, timeout=60, capture_output=True)
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            for file in sorted(Path(made, "classes").rglob("*.class")):
                archive.write(file, file.relative_to(Path(made, "classes")))
    return data.getvalue()
