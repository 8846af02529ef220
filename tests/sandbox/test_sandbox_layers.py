"""Packages installed into layers: real installations from a registry of our own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from fixwright_sandbox import Blob, Request, Result, RunCommand, RunFile, Sandbox
from fixwright_sandbox.backends.engine import Engine
from fixwright_sandbox.backends.labels import LAYER
from fixwright_sandbox.dependencies import Wanted, wanted
from fixwright_sandbox.dependencies.install import Installed
from fixwright_sandbox.dependencies.recipes import layer_of
from fixwright_sandbox.dependencies.records import Record
from fixwright_sandbox.dependencies.sources import Sources
from support.packages import Index, publish_to_npm, serve_index, write_sdist, write_wheel
from support.sandboxes import backends, open_or_skip

pytestmark = pytest.mark.slow

HELLO = "def hello():\n    return 'hello from a layer'\n"
EVIL = """\
import json, os, pathlib, zipfile

def attempt(action):
    try:
        return repr(action())
    except OSError as error:
        return error.strerror or str(error)

def build_wheel(folder, settings=None, metadata=None):
    found = {{
        "files": sorted(str(p) for p in pathlib.Path("/workspace").rglob("*")),
        "variables": dict(os.environ),
        "secret": attempt(lambda: open({secret!r}).read()),
        "written": attempt(lambda: open({target!r}, "w")),
        "root": attempt(lambda: open("/usr/evil", "w")),
        "user": os.getuid(),
        "processes": sorted(p.name for p in pathlib.Path("/proc").glob("[0-9]*")),
        "status": open("/proc/self/status").read(),
    }}
    name = "evil_kit-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        archive.writestr("evil_kit.py", "FOUND = " + repr(json.dumps(found)))
        told = "evil_kit-1.0.dist-info"
        name_and_version = "Name: evil-kit\\nVersion: 1.0\\n"
        archive.writestr(told + "/METADATA", "Metadata-Version: 2.1\\n" + name_and_version)
        tag = "Tag: py3-none-any\\n"
        archive.writestr(told + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n" + tag)
        archive.writestr(told + "/RECORD", "")
    return name
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder of packages."""
    folder = tmp_path / "house"
    files = {"greet_kit.py": HELLO, "greet_kit_path.pth": "import sys; sys.greeted = True\n"}
    write_wheel(folder, "greet-kit", "1.0", files)
    return folder


@pytest.fixture
def index(house: Path) -> Iterator[Index]:
    """It as a registry."""
    with serve_index(house) as served:
        yield served


@pytest_asyncio.fixture(params=backends("docker", "bubblewrap"))
async def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox with layers of its own; the engine's bridge may not reach loopback."""
    before = _places(tmp_path)
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
        assert _places(tmp_path) == before


def _places(tmp_path: Path) -> list[str]:
    """Every layer that there is, complete or not."""
    found = [str(each) for each in (tmp_path / "layers").glob(f"{LAYER}*")]
    with contextlib.suppress(Exception):
        engine = Engine(None)
        found += [
            each.id
            for each in engine.labelled_volumes("fixwright.sandbox")
            if str(tmp_path) in each.labels.get("fixwright.sandbox.record", "")
        ]
        engine.close()
    return sorted(found)


def asks(*lines: str) -> Wanted:
    data = "".join(f"{line}\n" for line in lines).encode()
    return wanted("python", {"requirements.txt": lambda: data})


def of(index: Index) -> Sources:
    return Sources({"PIP_INDEX_URL": index.url})


async def install(sandbox: Sandbox, what: Wanted, given: Sources) -> Installed:
    return await sandbox.layers().start(what, given=given).wait()


async def run(sandbox: Sandbox, record: Record, code: str) -> Result:
    tree = {"main.py": Blob(code.encode())}
    request = Request("python", RunFile("main.py"), tree, layer=layer_of(record))
    return await sandbox.start("layers", request)


async def test_a_run_finds_what_was_installed_and_cannot_change_it(
    sandbox: Sandbox, index: Index
) -> None:
    installed = await install(sandbox, asks("greet-kit==1.0"), of(index))
    record = installed.record
    assert record is not None, installed
    assert [(each.name, each.version) for each in record.releases] == [("greet-kit", "1.0")]
    assert record.size > 0
    code = (
        "import greet_kit, subprocess, sys\n"
        "print(greet_kit.hello(), sys.greeted, flush=True)\n"
        "program = 'import greet_kit; print(greet_kit.hello())'\n"
        "subprocess.run([sys.executable, '-c', program])\n"
        "open(greet_kit.__file__, 'a')\n"
    )
    result = await run(sandbox, record, code)
    assert result.stdout.data == b"hello from a layer True\nhello from a layer\n"
    assert b"Read-only file system" in result.stderr.data
    bare = Request("python", RunFile("main.py"), {"main.py": Blob(b"import greet_kit")})
    assert b"No module named" in (await sandbox.start("layers", bare)).stderr.data


async def test_the_second_time_nothing_is_asked_for(sandbox: Sandbox, index: Index) -> None:
    first = await install(sandbox, asks("greet-kit"), of(index))
    asked = len(index.asked)
    assert asked
    second = await install(sandbox, asks("greet-kit"), of(index))
    assert second.record == first.record
    assert second.result is None
    assert len(index.asked) == asked
    found = await sandbox.layers().find("python", asks("greet-kit").key)
    assert found == first.record
    assert await sandbox.layers().find("python", asks("greet-kit==1.0").key) is None


async def test_a_program_of_a_package_finds_neither_workspace_nor_machine(
    sandbox: Sandbox, house: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    secret, target = workspace / ".env", workspace / "main.py"
    secret.write_text("TOKEN=abc")
    target.write_text("pass")
    write_sdist(house, "evil-kit", "1.0", EVIL.format(secret=str(secret), target=str(target)))
    with serve_index(house) as served:
        installed = await install(sandbox, asks("evil-kit"), of(served))
    assert installed.record is not None, installed
    result = await run(sandbox, installed.record, "import evil_kit; print(evil_kit.FOUND)")
    found = json.loads(result.stdout.data)
    given = [each for each in found["files"] if not each.startswith("/workspace/.fixwright")]
    assert given == ["/workspace/requirements.txt"]
    assert found["secret"] == found["written"] == "No such file or directory"
    assert found["root"] == "Read-only file system"
    assert found["user"] == 10001
    assert "CapEff:\t0000000000000000" in found["status"]
    assert "NoNewPrivs:\t1" in found["status"]
    assert not {"HOME", "PATH"} - found["variables"].keys()
    assert not any("FIXWRIGHT" in name for name in found["variables"])
    assert len(found["processes"]) < 12
    assert target.read_text() == "pass"


async def test_hashes_and_constraints_of_requirements_are_obeyed(
    sandbox: Sandbox, house: Path
) -> None:
    write_wheel(house, "greet-kit", "2.0", {"greet_kit.py": "HELLO = 2"})
    right = hashlib.sha256((house / "greet_kit-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    with serve_index(house) as index:
        wrong = asks(f"greet-kit==1.0 --hash=sha256:{'0' * 64}")
        refused = await install(sandbox, wrong, of(index))
        assert refused.record is None
        assert refused.result is not None
        assert b"DO NOT MATCH THE HASHES" in refused.result.stderr.data
        proven = await install(sandbox, asks(f"greet-kit==1.0 --hash=sha256:{right}"), of(index))
        files = {
            "requirements.txt": lambda: b"greet-kit\n-c limits.txt\n",
            "limits.txt": lambda: b"greet-kit<2\nnobody-asks-for-this==1\n",
        }
        limited = await install(sandbox, wanted("python", files), of(index))
    for installed in (proven, limited):
        assert installed.record is not None, installed
        assert [(each.name, each.version) for each in installed.record.releases] == [
            ("greet-kit", "1.0")
        ]


async def test_what_fails_leaves_nothing_and_says_why(sandbox: Sandbox, index: Index) -> None:
    installed = await install(sandbox, asks("greet-kit==9.9"), of(index))
    assert installed.record is None
    assert "No matching distribution found for greet-kit==9.9" in installed.message
    assert not list(sandbox.layers().records)


async def test_cancelling_leaves_nothing(sandbox: Sandbox, house: Path) -> None:
    write_sdist(house, "slow-kit", "1.0", "import time\nprint('begun')\ntime.sleep(600)\n")
    with serve_index(house) as served:
        installation = sandbox.layers().start(asks("slow-kit"), given=of(served))
        async for event in installation.execution:
            if b"slow" in event.data:
                break
        installed = await installation.cancel()
    assert installed.record is None
    assert installed.result is not None
    assert installed.result.status == "cancelled"


async def test_two_at_once_make_one(sandbox: Sandbox, index: Index) -> None:
    layers = sandbox.layers().records.folder
    async with await open_or_skip(sandbox.backend, layers=layers, install_network="host") as other:
        three = await asyncio.gather(
            install(sandbox, asks("greet-kit"), of(index)),
            install(sandbox, asks("greet-kit"), of(index)),
            install(other, asks("greet-kit"), of(index)),
        )
    assert three[0].record is not None
    assert [each.record for each in three] == [three[0].record] * 3
    assert len(list(sandbox.layers().records)) == 1
    assert len(_places(layers.parent)) == 1


async def test_one_that_is_too_large_is_refused(sandbox: Sandbox, house: Path) -> None:
    write_wheel(house, "large-kit", "1.0", {"large_kit.py": "#" * (2 << 20)})
    layers = sandbox.layers().records.folder
    settings = {"layers": layers, "install_network": "host", "layer_bytes": 1 << 20}
    with serve_index(house) as served:
        async with await open_or_skip(sandbox.backend, **settings) as small:
            installed = await install(small, asks("large-kit"), of(served))
    assert installed.record is None
    assert "more room than a layer may have" in installed.message


async def test_passwords_of_the_registry_stay_out_of_it(sandbox: Sandbox, index: Index) -> None:
    address = index.url.replace("http://", "http://me:s3cr3t@")
    given = Sources({"PIP_INDEX_URL": address}, secrets=("me:s3cr3t", "s3cr3t"))
    installation = sandbox.layers().start(asks("greet-kit"), given=given)
    said = b"".join([event.data async for event in installation.execution])
    installed = await installation.wait()
    assert installed.record is not None
    assert b"s3cr3t" not in said + repr(installed).encode()
    request = Request(
        "python",
        RunCommand(("bash", "-c", "grep -r s3cr3t /layer; env | grep s3cr3t; cat /proc/1/environ")),
        {},
        layer=layer_of(installed.record),
    )
    assert b"s3cr3t" not in (await sandbox.start("layers", request)).stdout.data
    assert "s3cr3t" not in installed.record.file.read_text()


async def test_packages_of_a_folder_need_no_registry(sandbox: Sandbox, house: Path) -> None:
    given = Sources({"PIP_FIND_LINKS": str(house), "PIP_NO_INDEX": "1"}, shown=(str(house),))
    assert (await install(sandbox, asks("greet-kit"), given)).record is not None


async def test_what_conflicts_is_not_tried(sandbox: Sandbox, index: Index) -> None:
    files = {
        "requirements.txt": lambda: b"greet-kit==1.0\n",
        "requirements-dev.txt": lambda: b"greet-kit==2.0\n",
    }
    installed = await install(sandbox, wanted("python", files), of(index))
    assert installed.record is None
    assert "no version is both" in installed.message
    assert not index.asked


async def test_packages_of_npm_are_found_and_no_script_of_theirs_runs(
    sandbox: Sandbox, house: Path
) -> None:
    told = '{"name": "tiny-kit", "version": "1.0.0", "scripts": {"postinstall": "touch evil"}}'
    files = {"package.json": told, "index.js": "exports.hello = 'hello from a layer'\n"}
    with serve_index(house) as served:
        address = served.url.removesuffix("/simple")
        publish_to_npm(house, address, "tiny-kit", files)
        manifest = b'{"dependencies": {"tiny-kit": "^1.0.0"}}'
        given = Sources({"npm_config_registry": address})
        what = wanted("node", {"package.json": lambda: manifest})
        installed = await install(sandbox, what, given)
    assert installed.record is not None, installed
    assert [each.name for each in installed.record.releases] == ["tiny-kit"]
    code = (
        "import {hello} from 'tiny-kit';\nimport {createRequire} from 'module';\n"
        "import fs from 'fs';\nconst required = createRequire(import.meta.url)('tiny-kit');\n"
        "console.log(hello === required.hello, fs.existsSync('/node_modules/tiny-kit/evil'));\n"
    )
    tree = {"main.mjs": Blob(code.encode())}
    request = Request("node", RunFile("main.mjs"), tree, layer=layer_of(installed.record))
    result = await sandbox.start("layers", request)
    assert result.stdout.data == b"true false\n", result
