"""What a tree wants installed, read off its manifests and imports."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright_sandbox.dependencies import Wanted, wanted
from fixwright_sandbox.dependencies.asked import asked
from fixwright_sandbox.dependencies.names import distribution_of


def of(runtime: str, files: Mapping[str, str | bytes]) -> Wanted:
    encoded = {
        path: value.encode() if isinstance(value, str) else value for path, value in files.items()
    }
    return wanted(runtime, {path: lambda data=data: data for path, data in encoded.items()})


def titles(found: Wanted) -> list[str]:
    return [each.title for each in found.packages]


# ---- Python


def test_imports_whose_distribution_has_another_name() -> None:
    found = of("python", {"a.py": "import cv2, os\nfrom PIL import Image\nimport sklearn.svm\n"})
    assert titles(found) == [
        "opencv-python-headless (import in a.py:1)",
        "pillow (import in a.py:2)",
        "scikit-learn (import in a.py:3)",
    ]
    assert all(each.by_import for each in found.packages)


def test_an_import_that_nobody_entered_is_named_and_not_guessed() -> None:
    found = of("python", {"a.py": "import reqeusts\n"})
    assert found.nothing
    assert [(each.name, each.origin) for each in found.unknown] == [("reqeusts", "a.py:1")]


@pytest.mark.parametrize(
    "code",
    [
        "import helper\nfrom package.inner import x\nfrom . import y\n",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\n",
        "import pytest\nimport __future__\n",
        "import numpy as\n",
        "\0",
    ],
)
def test_imports_that_need_nothing(code: str) -> None:
    found = of("python", {"a.py": code, "helper.py": "", "src/package/inner.py": ""})
    assert (found.packages, found.unknown) == ((), ())


def test_requirements_with_includes_markers_and_hashes() -> None:
    found = of(
        "python",
        {
            "requirements.txt": (
                "# ours\nrequests>=2,<3 \\\n  --hash=sha256:aa  # why\n-r more/extra.txt\n"
                "colorama; sys_platform == 'win32'\n--index-url https://x\n"
                "-e .\nuvicorn[standard]\n"
            ),
            "more/extra.txt": "-c ../limits.txt\nrich\n",
            "limits.txt": "rich<14\n",
            "a.py": "import requests, yaml\n",
        },
    )
    assert titles(found) == [
        "pyyaml (import in a.py:1)",
        "requests<3,>=2 (requirements.txt:2)",
        "rich (more/extra.txt:2)",
        "uvicorn[standard] (requirements.txt:8)",
    ]
    assert [each.title for each in found.limits] == ["rich<14 (limits.txt:1)"]
    assert found.packages[1].hashes == ("sha256:aa",)
    assert "pyyaml (import in a.py:1) has no hash" in found.problems[-1]
    assert sorted(found.manifests) == ["limits.txt", "more/extra.txt", "requirements.txt"]
    assert found.problems[:-1] == (
        "requirements.txt:7: the project itself is not installed; its files are there.",
    )


def test_a_project_with_extras_and_groups() -> None:
    found = of(
        "python",
        {
            "pyproject.toml": (
                '[project]\nname = "mine"\ndependencies = ["httpx>=0.27"]\n'
                '[project.optional-dependencies]\ntest = ["mine[all]", "respx"]\n'
                'docs = ["sphinx"]\n[dependency-groups]\n'
                'dev = ["ruff", {include-group = "test"}]\ntest = ["freezegun"]\n'
            ),
            "uv.lock": "version = 1\n",
        },
    )
    assert titles(found) == [
        "freezegun (pyproject.toml:9)",
        "httpx>=0.27 (pyproject.toml:3)",
        "respx (pyproject.toml:5)",
        "ruff (pyproject.toml:8)",
    ]
    assert found.locked


def test_versions_that_no_version_can_be() -> None:
    found = of(
        "python", {"requirements.txt": "numpy==1.26.4\n", "requirements-dev.txt": "numpy>=2\n"}
    )
    [conflict] = found.conflicts
    assert conflict.message == (
        "requirements.txt:1 asks for numpy==1.26.4 and requirements-dev.txt:1 for numpy>=2; "
        "no version is both. Change one of them."
    )


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"requirements.txt": "a b c\n"}, "requirements.txt:1: 'a b c' is not a requirement"),
        ({"pyproject.toml": "[project\n"}, "pyproject.toml is not TOML"),
        ({"requirements.txt": b"\xff"}, "requirements.txt is not UTF-8"),
        ({"requirements.txt": "-r requirements.txt\n"}, None),
    ],
)
def test_bad_manifests_of_python(files: dict[str, str | bytes], problem: str | None) -> None:
    found = of("python", files)
    assert [each.startswith(problem or "?") for each in found.problems] == [True] * bool(problem)


def test_the_data_set_knows_modules_inside_namespaces() -> None:
    assert distribution_of("google.cloud.storage.client") == "google-cloud-storage"
    assert distribution_of("google.cloud") is None
    assert distribution_of("ruamel.yaml") == "ruamel-yaml"
    assert distribution_of("prometheus_client") == "prometheus-client"


# ---- the other runtimes


def test_a_package_json_and_its_lock() -> None:
    found = of(
        "node",
        {
            "package.json": (
                '{"name": "mine",\n"dependencies": {"left-pad": "^1.3.0", "chalk": "*"},\n'
                '"devDependencies": {"typescript": "5.4.5", "chalk": "4"}}'
            ),
            "package-lock.json": "{}",
            ".npmrc": "//registry/:_authToken=secret",
            "a.ts": "import chalk from 'chalk'\nimport x from '@scope/x/deep'\n"
            "import fs from 'fs'\n"
            "import type {T} from 'types-only'\nimport './b'\nconst mine = require('mine')\n",
        },
    )
    assert titles(found) == [
        "chalk (package.json:2)",
        "left-pad@^1.3.0 (package.json:2)",
        "typescript@5.4.5 (package.json:3)",
    ]
    assert found.locked
    assert [each.name for each in found.unknown] == ["@scope/x"]
    assert [each.name for each in found.conflicts] == ["chalk"]
    assert ".npmrc" not in found.manifests
    assert ".npmrc is left out" in found.problems[0]


def test_what_is_in_the_tree_already_is_not_asked_for() -> None:
    manifest = '{"dependencies": {"chalk": "1"}}'
    assert of("node", {"package.json": manifest, "node_modules/chalk/index.js": ""}).nothing
    assert of("go", {"go.mod": "require a.b/c v1\n", "vendor/modules.txt": ""}).nothing
    assert of(
        "rust", {"Cargo.toml": "[dependencies]\na = '1'\n", "vendor/a/src/lib.rs": ""}
    ).nothing


def test_a_go_mod() -> None:
    found = of(
        "go",
        {
            "go.mod": (
                "module example.com/mine\n\ngo 1.24\n\nrequire github.com/a/b v1.2.3\n"
                "require (\n\tgolang.org/x/text v0.3.0 // indirect\n)\n"
                "replace github.com/a/b => ../b\n"
            )
        },
    )
    assert titles(found) == [
        "github.com/a/b@v1.2.3 (go.mod:5)",
        "golang.org/x/text@v0.3.0 (go.mod:7)",
    ]
    assert "There is no go.sum" in found.problems[0]


def test_a_cargo_workspace() -> None:
    found = of(
        "rust",
        {
            "Cargo.toml": (
                '[workspace]\nmembers = ["a"]\n[workspace.dependencies]\nserde = "1"\n'
                '[dependencies]\nmine = { path = "a" }\n'
                'rand = { version = "0.8", optional = true }\n'
                "[target.'cfg(unix)'.dependencies]\nlibc = '0.2'\n"
            ),
            "a/Cargo.toml": "[dependencies]\nserde = { workspace = true }\n",
            "Cargo.lock": "",
        },
    )
    assert titles(found) == [
        "libc 0.2 (Cargo.toml:9)",
        "rand 0.8 (Cargo.toml:7)",
        "serde 1 (Cargo.toml:4)",
    ]
    assert found.locked


POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<properties><junit.version>5.9.2</junit.version></properties>
<dependencies><dependency><groupId>org.junit.jupiter</groupId>
<artifactId>junit-jupiter</artifactId><version>${junit.version}</version></dependency></dependencies>
</project>"""


def test_a_pom() -> None:
    found = of("java", {"pom.xml": POM, "other/pom.xml": "<not/>"})
    assert titles(found) == ["org.junit.jupiter:junit-jupiter:5.9.2 (pom.xml:4)"]
    assert [*found.manifests] == ["pom.xml"]


def test_one_pom_cannot_want_two_versions_but_two_poms_can() -> None:
    head, tail = POM.split("<dependencies>")
    twice = f"{head}<dependencies>{tail.partition('</dependencies>')[0].replace('${', 'x${')}{tail}"
    (conflict,) = of("java", {"pom.xml": twice}).conflicts
    assert conflict.name == "org.junit.jupiter:junit-jupiter"
    modules = "<project><artifactId>all</artifactId><modules><module>a</module>"
    modules += "<module>b</module></modules></project>"
    other = POM.replace("5.9.2", "4.0")
    found = of("java", {"pom.xml": modules, "a/pom.xml": POM, "b/pom.xml": other})
    assert not found.conflicts
    assert [each.constraint for each in found.packages] == [":5.9.2", ":4.0"]
    assert [*found.manifests] == ["a/pom.xml", "b/pom.xml", "pom.xml"]


def test_gradle_s_lock_file_says_what_a_build_script_does_not() -> None:
    script = "plugins { id 'java' }"
    lock = "# written by Gradle\norg.a:kit:1.2=runtimeClasspath\nempty=\n"
    found = of("java", {"app/build.gradle": script, "app/gradle.lockfile": lock})
    assert titles(found) == ["org.a:kit:1.2 (app/gradle.lockfile:2)"]
    assert found.locked
    assert not found.problems
    parts = {"build.gradle": script, "app/build.gradle": script, "app/gradle.lockfile": lock}
    assert not of("java", parts).problems
    (problem,) = of("java", {**parts, "other/build.gradle.kts": script}).problems
    assert problem.startswith("other/build.gradle.kts is a program")
    assert "gradle dependencies --write-locks" in problem


@pytest.mark.parametrize(
    ("runtime", "files", "problem"),
    [
        ("node", {"package.json": "[1]"}, "package.json is not a JSON object."),
        ("node", {"package.json": "{"}, "package.json is not JSON"),
        ("rust", {"Cargo.toml": "a ="}, "Cargo.toml is not TOML"),
        ("java", {"pom.xml": "<a>"}, "pom.xml is not XML"),
        ("java", {"pom.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"}, "pom.xml has a DOCTYPE"),
        ("java", {"build.gradle.kts": ""}, "build.gradle.kts is a program"),
    ],
)
def test_bad_manifests(runtime: str, files: dict[str, str | bytes], problem: str) -> None:
    found = of(runtime, files)
    assert found.nothing
    assert found.problems[0].startswith(problem)


def test_the_key_is_that_of_what_is_installed() -> None:
    one = of("python", {"requirements.txt": "a==1\n", "x.py": "print(1)"})
    assert one.key == of("python", {"requirements.txt": "a==1\n", "x.py": "print(2)"}).key
    assert one.key != of("python", {"requirements.txt": "a==2\n"}).key
    assert one.key != of("python", {"requirements.txt": "a==1\n", "y.py": "import yaml"}).key


def test_a_file_that_has_vanished_is_none() -> None:
    def gone() -> bytes:
        raise FileNotFoundError

    for runtime, name in [
        ("python", "requirements.txt"),
        ("node", "package.json"),
        ("go", "go.mod"),
    ]:
        assert wanted(runtime, {name: gone}).nothing


@given(
    runtime=st.sampled_from(["python", "node", "go", "rust", "java"]),
    data=st.one_of(st.binary(max_size=60), st.text(alphabet="[]{}=\"'\n#-r a1.<>/", max_size=60)),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read(runtime: str, data: bytes | str) -> None:
    names = ("requirements.txt", "pyproject.toml", "a.py", "package.json", "a.ts", "go.mod")
    names += ("Cargo.toml", "pom.xml")
    assert of(runtime, dict.fromkeys(names, data)).runtime == runtime


@pytest.mark.parametrize(
    ("runtime", "before", "after", "paths"),
    [
        ("python", {"requirements.txt": "a==1\n"}, {"requirements.txt": "# b\na==1\n"}, []),
        (
            "python",
            {"requirements.txt": "a==1\n"},
            {"requirements.txt": "a\n"},
            ["requirements.txt"],
        ),
        ("python", {"a.py": "import yaml"}, {"a.py": "import yaml, requests"}, []),
        (
            "python",
            {"pyproject.toml": "[project]\ndependencies = ['a']\n"},
            {"pyproject.toml": "[project]\ndependencies = ['a']\n[tool.x]\ny = 1\n"},
            [],
        ),
        ("node", {"package.json": '{"dependencies": {"a": "1"}}'}, {}, ["package.json"]),
        ("java", {"pom.xml": POM}, {"pom.xml": POM + "\n"}, ["pom.xml"]),
    ],
)
def test_what_manifests_ask_for_is_compared(
    runtime: str, before: dict[str, str], after: dict[str, str], paths: list[str]
) -> None:
    one, other = (
        asked(runtime, {path: lambda text=text: text.encode() for path, text in files.items()})
        for files in (before, after)
    )
    differing = [path for path in one.keys() | other.keys() if one.get(path) != other.get(path)]
    assert differing == paths
