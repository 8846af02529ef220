"""Files that are never changed without a question, and those that are not even read.

Rules can't lift this, but for one: a rule of the user's that allows a secret file by its very name
lets it be read.
"""

from __future__ import annotations

from dataclasses import dataclass

from fixwright.agent.policy.globs import PathGlob


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
_READ = tuple(
    (protection, tuple(PathGlob.read(each, folded=True) for each in patterns.split()))
    for protection, patterns in _PROTECTED
)
_KEY_FILE = PathGlob.read("id_*", folded=True)


def protection_of(path: str) -> Protection | None:
    """Why a file is protected; None for one that is not. The path is as `globs.clean` gives it."""
    if _KEY_FILE.matches(path) and "." not in path.rpartition("/")[2]:
        return _SECRET
    for protection, globs in _READ:
        if any(each.matches(path) for each in globs):
            return protection
    return None
