"""Files that are never changed without a question, and those that are not even read.

Rules can't lift this, but for one: a rule of the user's that allows a secret file by its very name
lets it be read.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from fixwright.agent.policy.globs import PathGlob, fold


@dataclass(frozen=True, slots=True)
class Protection:
    """Why a file is protected.

    Attributes:
        what: in words that follow “It”: "holds secrets".
        is_secret: whether it is not read either.
    """

    what: str
    is_secret: bool = False


_SECRET = Protection("may hold secrets", is_secret=True)
_SECRETS = """
    .env* *.env *.pem *.key *.p12 *.pfx *.jks *.keystore *.kdbx *.ppk
    id_rsa* id_dsa* id_ecdsa* id_ed25519*
    .ssh/ .gnupg/ .aws/ .azure/ .kube/ **/.config/gcloud/ **/.docker/config.json
    .netrc _netrc .npmrc .yarnrc .yarnrc.yml .pypirc .pgpass .my.cnf .git-credentials .htpasswd
    .vault-token .terraformrc .dockercfg
"""
_HISTORY = """
    .git .hg .svn .jj .gitmodules .gitattributes .githooks .husky .pre-commit-config.yaml
"""
_OUR_OWN = """
    fixwright.toml .fixwright pyproject.toml
    **/.config/fixwright/ **/share/fixwright/ **/state/fixwright/
"""
_PIPELINES = """
    **/.github/workflows/ **/.github/actions/ .gitlab-ci.yml .gitlab-ci.yaml .circleci .travis.yml
    Jenkinsfile azure-pipelines.yml bitbucket-pipelines.yml .buildkite .drone.yml .woodpecker
    .woodpecker.yml .ci appveyor.yml .appveyor.yml .forgejo .gitea
"""
_OBEYED = """
    .vscode .idea .zed .devcontainer .devcontainer.json .exrc .nvimrc .nvim.lua .dir-locals.el
    *.code-workspace .mcp.json .claude .codex .gemini .cursor .cursorrules
    AGENTS.md CLAUDE.md GEMINI.md
"""
_PROTECTED = (
    (_SECRET, _SECRETS),
    (Protection("belongs to the history of versions, or is run by it"), _HISTORY),
    (Protection("holds settings of Fixwright's own"), _OUR_OWN),
    (Protection("is run on other machines as soon as it is pushed"), _PIPELINES),
    (Protection("is obeyed or run by an editor or by agents"), _OBEYED),
)


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of one protection: by names anywhere, by folders anywhere, and by paths."""

    protection: Protection
    names: re.Pattern[str]
    folders: re.Pattern[str]
    paths: tuple[PathGlob, ...]

    @classmethod
    def read(cls, protection: Protection, patterns: str) -> _Files:
        told = patterns.split()
        return cls(
            protection,
            _one_of(each for each in told if "/" not in each),
            _one_of(each[:-1] for each in told if each.endswith("/") and "/" not in each[:-1]),
            tuple(PathGlob.read(each, folded=True) for each in told if "/" in each[:-1]),
        )

    def hold(self, path: str, names: list[str]) -> bool:
        """Whether a file is one of them; `names` are those on its way, folded."""
        return (
            any(map(self.names.fullmatch, names))
            or any(map(self.folders.fullmatch, names[:-1]))
            or any(each.matches(path) for each in self.paths)
        )


def _one_of(globs: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(fold(each)) for each in globs) or r"(?!)")


_FILES = tuple(_Files.read(protection, patterns) for protection, patterns in _PROTECTED)


def protection_of(path: str) -> Protection | None:
    """Why a file is protected; None for one that is not. The path is as `globs.clean` gives it."""
    names = [_folded(each) for each in path.strip("/").split("/")]
    if names[-1].startswith("id_") and "." not in names[-1]:
        return _SECRET
    return next((each.protection for each in _FILES if each.hold(path, names)), None)


@lru_cache(4096)
def _folded(name: str) -> str:
    return fold(name)
