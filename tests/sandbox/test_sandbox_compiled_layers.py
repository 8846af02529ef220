"""Layers of languages that are compiled: real installations from registries of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from fixwright_sandbox import Blob, Request, Result, RunFile, Sandbox
from fixwright_sandbox.dependencies import Wanted, wanted
from fixwright_sandbox.dependencies.install import Installed
from fixwright_sandbox.dependencies.recipes import layer_of
from fixwright_sandbox.dependencies.records import Record
from fixwright_sandbox.dependencies.sources import Sources, sources
from support.packages import Index, publish_to_cargo, publish_to_go, serve_index
from support.sandboxes import backends, open_or_skip

pytestmark = pytest.mark.slow

GREET = 'package greet\n\nfunc Hello() string { return "hello from a layer" }\n'
GO_MAIN = """\
package main

import (
\t"fmt"

\t"example.com/greet"
)

func main() { fmt.Println(greet.Hello()) }
"""
GO_MOD = "module example.com/mine\n\ngo 1.21\n\nrequire example.com/greet v1.0.0\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder of packages."""
    folder = tmp_path / "house"
    folder.mkdir()
    return folder


@pytest.fixture
def index(house: Path) -> Iterator[Index]:
    """It, served."""
    with serve_index(house) as served:
        yield served


@pytest_asyncio.fixture(params=backends("docker", "bubblewrap"))
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox with layers of its own; the engine's bridge may not reach loopback."""
    layers = tmp_path / "layers"
    opened = await open_or_skip(request.param, layers=layers, install_network="host")
    try:
        yield opened
    finally:
        records = list(opened.layers().records)
        await opened.close()
        closing = await open_or_skip(request.param, layers=layers)
        for record in records:
            await closing.layers().remove(record)
        await closing.close()
        assert not [each for each in layers.glob("*") if each.is_dir()]


def address(index: Index) -> str:
    return index.url.removesuffix("/simple")


def asks(runtime: str, tree: dict[str, str]) -> Wanted:
    return wanted(runtime, {path: lambda text=text: text.encode() for path, text in tree.items()})


async def install(sandbox: Sandbox, what: Wanted, environment: dict[str, str]) -> Installed:
    return await sandbox.layers().start(what, given=Sources(environment)).wait()


async def run(
    sandbox: Sandbox, runtime: str, file: str, tree: dict[str, str], record: Record | None
) -> Result:
    blobs = {path: Blob(text.encode()) for path, text in tree.items()}
    layer = layer_of(record) if record is not None else None
    return await sandbox.start("layers", Request(runtime, RunFile(file), blobs, layer=layer))


async def test_modules_of_go_are_found_read_only_and_without_network(
    sandbox: Sandbox, house: Path, index: Index
) -> None:
    sums = publish_to_go(house, "example.com/greet", "v1.0.0", GREET)
    tree = {"go.mod": GO_MOD, "go.sum": sums, "main.go": GO_MAIN}
    bare = await run(sandbox, "go", "main.go", tree, None)
    assert bare.status == "failed"
    given = {"GOPROXY": address(index), "GOSUMDB": "off"}
    installed = await install(sandbox, asks("go", tree), given)
    assert installed.record is not None, installed
    releases = [(each.name, each.version) for each in installed.record.releases]
    assert releases == [("example.com/greet", "v1.0.0")]
    asked = len(index.asked)
    result = await run(sandbox, "go", "main.go", tree, installed.record)
    assert result.stdout.data == b"hello from a layer\n", result
    assert not result.files
    assert len(index.asked) == asked


async def test_a_module_that_is_not_the_one_of_go_sum_is_refused(
    sandbox: Sandbox, house: Path, index: Index
) -> None:
    sums = publish_to_go(house, "example.com/greet", "v1.0.0", GREET)
    publish_to_go(house, "example.com/greet", "v1.0.0", GREET.replace("hello", "evil"))
    what = asks("go", {"go.mod": GO_MOD, "go.sum": sums})
    installed = await install(sandbox, what, {"GOPROXY": address(index), "GOSUMDB": "off"})
    assert installed.record is None
    assert "verifying example.com/greet@v1.0.0: checksum mismatch" in installed.message
    assert not list(sandbox.layers().records)


async def test_modules_that_nothing_vouches_for_are_not_fetched(
    sandbox: Sandbox, index: Index
) -> None:
    installed = await install(sandbox, asks("go", {"go.mod": GO_MOD}), {"GOPROXY": address(index)})
    assert installed.record is None
    assert "There is no go.sum" in installed.message
    assert not index.asked


CARGO_TOML = """\
[package]
name = "mine"
version = "0.1.0"
edition = "2021"

[[bin]]
name = "mine"

[[bin]]
name = "other"

[dependencies]
greet-kit = "1"
"""
RUST_HELLO = 'pub fn hello() -> &\'static str { "hello from a layer" }\n'
RUST_MAIN = 'fn main() { println!("{}", greet_kit::hello()); }\n'
RUST_TREE = {
    "Cargo.toml": CARGO_TOML,
    "src/main.rs": RUST_MAIN,
    "src/bin/other.rs": "fn main() {}\n",
}


def crates(house: Path, index: Index, tmp_path: Path) -> Sources:
    """A registry with one crate, and a user whose crates all come from there."""
    mine = publish_to_cargo(house, address(index), "greet-kit", RUST_HELLO)
    (tmp_path / "config.toml").write_text(
        f'[source.crates-io]\nreplace-with = "mine"\n[source.mine]\nregistry = "{mine}"\n'
    )
    return sources("rust", {"CARGO_HOME": str(tmp_path)})


async def test_crates_are_found_read_only_and_without_network(
    sandbox: Sandbox, house: Path, index: Index, tmp_path: Path
) -> None:
    given = crates(house, index, tmp_path)
    what = asks("rust", RUST_TREE)
    assert any("There is no Cargo.lock" in each for each in what.problems)
    installed = await sandbox.layers().start(what, given=given).wait()
    assert installed.record is not None, installed
    releases = [(each.name, each.version) for each in installed.record.releases]
    assert releases == [("greet-kit", "1.0.0")]
    asked = len(index.asked)
    bare = await run(sandbox, "rust", "src/main.rs", RUST_TREE, None)
    assert bare.status == "failed"
    result = await run(sandbox, "rust", "src/main.rs", RUST_TREE, installed.record)
    assert result.stdout.data == b"hello from a layer\n", result
    assert not result.files
    assert len(index.asked) == asked


async def test_a_cargo_lock_is_obeyed_to_the_letter(
    sandbox: Sandbox, house: Path, index: Index, tmp_path: Path
) -> None:
    given = crates(house, index, tmp_path)
    lock = (
        'version = 4\n\n[[package]]\nname = "greet-kit"\nversion = "1.0.0"\n'
        'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
        f'checksum = "{"0" * 64}"\n\n[[package]]\nname = "mine"\nversion = "0.1.0"\n'
        'dependencies = [\n "greet-kit",\n]\n'
    )
    what = asks("rust", {**RUST_TREE, "Cargo.lock": lock})
    assert what.locked
    installed = await sandbox.layers().start(what, given=given).wait()
    assert installed.record is None
    assert "checksum" in installed.message
    assert not list(sandbox.layers().records)
