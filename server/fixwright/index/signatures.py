"""The parameters of a Python function, from the text of its signature."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

ParameterKind = Literal["positional-only", "positional", "*", "keyword-only", "**"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `default` and `annotation` are source text, None where there is none."""

    name: str
    kind: ParameterKind
    default: str | None = None
    annotation: str | None = None


def parameters_of(signature: str) -> tuple[Parameter, ...] | None:
    """The parameters in a signature such as "(self, x: int = 1, *rest)".

    Returns:
        None where the text is no signature, or one of a later Python than this one.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(f"def f{signature}: pass")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    function = module.body[0]
    if len(module.body) != 1 or not isinstance(function, ast.FunctionDef):
        return None
    return tuple(_parameters(function.args))


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = len(positional) - len(arguments.defaults)
    for index, argument in enumerate(positional):
        default = arguments.defaults[index - without_default] if index >= without_default else None
        only = index < len(arguments.posonlyargs)
        yield _parameter(argument, "positional-only" if only else "positional", default)
    if arguments.vararg is not None:
        yield _parameter(arguments.vararg, "*", None)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, "keyword-only", default)
    if arguments.kwarg is not None:
        yield _parameter(arguments.kwarg, "**", None)


def _parameter(argument: ast.arg, kind: ParameterKind, default: ast.expr | None) -> Parameter:
    return Parameter(
        argument.arg,
        kind,
        None if default is None else ast.unparse(default),
        None if argument.annotation is None else ast.unparse(argument.annotation),
    )
