"""Which rules there are, in the order in which they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.fix.rules import (
    arguments,
    attributes,
    bash,
    calls,
    indexes,
    keys,
    methods,
    missing_imports,
    modules,
    names,
    none_values,
    operands,
    scope,
    syntax,
    toolchain,
)

if TYPE_CHECKING:
    from fixwright.fix.problem import Rule

_PYTHON: tuple[Rule, ...] = (
    syntax.syntax_repairs,
    # A name that is not defined: what names it exactly comes before what is only like it.
    methods.self_parameter,
    methods.attribute_of_self,
    missing_imports.missing_import,
    names.misspelt_name,
    missing_imports.misspelt_module_name,
    scope.outer_variable,
    scope.misspelt_local,
    # An attribute, a module, a key.
    none_values.in_place_result,
    none_values.missing_return,
    missing_imports.missing_submodule,
    methods.attribute_set_without_self,
    attributes.misspelt_attribute,
    modules.relative_import,
    modules.misspelt_module,
    modules.misspelt_import,
    keys.misspelt_key,
    # Calls and operands.
    methods.instance_missing,
    methods.misspelt_init,
    arguments.misspelt_keyword,
    arguments.missing_argument,
    arguments.optional_parameter,
    arguments.repeated_argument,
    arguments.surplus_argument,
    operands.operand_types,
    operands.joined_items,
    operands.integer_needed,
    calls.not_callable,
    calls.missing_call,
    indexes.off_by_one,
)

_BASH: tuple[Rule, ...] = (bash.misspelt_command, bash.misspelt_variable, bash.syntax_repairs)

_OTHERS: tuple[Rule, ...] = (toolchain.suggested_edit, toolchain.known_name)
"""For every language whose compiler or runtime says what it suggests."""

_RULES: dict[str, tuple[Rule, ...]] = {"python": _PYTHON, "shellscript": _BASH, "bash": _BASH}


def rules_for(language: str) -> tuple[Rule, ...]:
    """The rules for a document of that language id."""
    return _RULES.get(language, _OTHERS)
