"""Whether a benchmark does the same thing whatever version of the code it meets.

A benchmark is written by the model that wants its edit to look fast, and it could tell the versions
apart: look at the source, and sleep when it is the old one. One that has no branch and no means to
look at the program that it runs in can't.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fixwright.index.source import Source
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language

_BRANCHES = frozenset(
    (
        *("if_statement", "if_expression", "if_clause", "unless_statement", "elif_clause"),
        *("conditional_expression", "ternary_expression", "boolean_operator"),
        *("switch_statement", "switch_expression", "expression_switch_statement", "case_statement"),
        *("type_switch_statement", "select_statement", "match_statement", "match_expression"),
        *("while_statement", "while_expression", "do_statement", "loop_expression"),
        *("try_statement", "try_expression", "try_with_resources_statement", "except_clause"),
        *("with_statement", "preproc_if", "preproc_ifdef"),
    )
)
_SHORT_CIRCUITS = frozenset(("&&", "||", "??", "?."))
_COMPARISONS = frozenset(("==", "!=", "===", "!==", "<", "<=", ">", ">=", "in", "is", "not in"))
_COMPARING = frozenset(("comparison_operator", "binary_expression", "test_command"))
_LOOKING = re.compile(
    r"\b(?:__\w+__|\w*sleep\w*|inspect|getsource\w*|getattr|hasattr|dir|vars|globals|locals|eval|"
    r"exec|compile|importlib|ctypes|open|fopen|ifstream|readFile\w*|read_text|read_bytes|pathlib|"
    r"os|environ|getenv|stat|subprocess|setTimeout|setInterval|Atomics|Function|toString|"
    r"getOwnPropertyNames|reflect|getDeclared\w+|signal|threading|settrace|setprofile|co_code|"
    r"child_process|include_str|include_bytes|Thread)\b"
)


def not_straight(code: str, language: Language) -> str | None:
    """Why a benchmark is not taken, as a sentence; None for one that is. Parses."""
    found = _LOOKING.search(code)
    if found is not None:
        return (
            f"The benchmark uses {found.group()}. It may only call the code under test, with inputs"
            " that it computes, and print the result: it must not wait, nor look at files, clocks"
            " or the program itself."
        )
    source = Source(Text(code))
    root = source.parse(language).root_node
    if root.has_error:
        return f"The benchmark is no valid {language.name}."
    node = _branch(root)
    if node is None:
        return None
    said = source.of(node).partition("\n")[0][:60]
    return (
        f"The benchmark decides something at line {node.start_point[0] + 1}: `{said}`. It must do"
        " the same with every version of the code: no conditions, only loops of a fixed length."
    )


def _branch(root: tree_sitter.Node) -> tree_sitter.Node | None:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in _BRANCHES or (not node.is_named and node.type in _SHORT_CIRCUITS):
            return node
        if node.type in _COMPARING and _compares(node):
            return node
        waiting += node.children
    return None


def _compares(node: tree_sitter.Node) -> bool:
    """Whether a comparison stands where its outcome may be used for something."""
    if not any(child.type in _COMPARISONS for child in node.children):
        return False
    parent = node.parent
    return parent is None or not parent.type.startswith(("assert", "for"))
