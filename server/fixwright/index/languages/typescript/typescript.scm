;; definitions

(function_declaration
  name: (identifier) @name) @definition.function

(generator_function_declaration
  name: (identifier) @name) @definition.function

[
  (class_declaration name: (type_identifier) @name)
  (abstract_class_declaration name: (type_identifier) @name)
] @definition.class

(interface_declaration
  name: (type_identifier) @name) @definition.interface

(type_alias_declaration
  name: (type_identifier) @name) @definition.type

(enum_declaration
  name: (identifier) @name) @definition.enum

(internal_module
  name: (identifier) @name) @definition.namespace

(function_signature
  name: (identifier) @name) @definition.function

(interface_body (method_signature
  name: (property_identifier) @name) @definition.method)

(interface_body (property_signature
  name: (property_identifier) @name) @definition.property)

(abstract_method_signature
  name: (property_identifier) @name) @definition.method

(method_definition
  name: [(property_identifier) (private_property_identifier)] @name) @definition.method

(variable_declarator
  name: (identifier) @name
  value: [(arrow_function) (function_expression) (generator_function)]) @definition.function

(assignment_expression
  left: [(identifier) @name (member_expression property: (_) @name)]
  right: [(arrow_function) (function_expression) (generator_function)]) @definition.function

(pair
  key: (property_identifier) @name
  value: [(arrow_function) (function_expression) (generator_function)]) @definition.method

(program [
  (lexical_declaration (variable_declarator name: (identifier) @name))
  (variable_declaration (variable_declarator name: (identifier) @name))
  (export_statement (lexical_declaration (variable_declarator name: (identifier) @name)))
] @definition.variable)

;; references

(call_expression function: (identifier) @call)
(call_expression function: (member_expression property: (property_identifier) @call))
(new_expression constructor: (identifier) @call)
(extends_clause value: (identifier) @type)
(type_identifier) @type
(assignment_expression left: (identifier) @write)
(assignment_expression left: (member_expression property: (property_identifier) @write))
(augmented_assignment_expression left: (identifier) @write)
(update_expression argument: (identifier) @write)
(import_specifier name: (identifier) @import)
(import_clause (identifier) @import)
(export_specifier name: (identifier) @import)
(member_expression property: (property_identifier) @read)
[(identifier) (shorthand_property_identifier)] @read

;; imports

(import_statement
  (import_clause (identifier) @default)
  source: (string) @module) @import

(import_statement
  (import_clause (namespace_import (identifier) @alias))
  source: (string) @module) @import

(import_statement
  (import_clause (named_imports (import_specifier
    name: (_) @name
    alias: (identifier)? @alias)))
  source: (string) @module) @import

(import_statement
  . "import"
  . source: (string) @module) @import

(import_statement
  (import_require_clause
    (identifier) @alias
    source: (string) @module)) @import

(export_statement
  (export_clause (export_specifier
    name: (_) @name
    alias: (_)? @alias))
  source: (string) @module) @import.export

(export_statement
  "*" @name
  source: (string) @module) @import.export

(variable_declarator
  name: (identifier) @alias
  value: (call_expression
    function: (identifier) @_require
    arguments: (arguments . (string) @module))
  (#eq? @_require "require")) @import

(variable_declarator
  name: (object_pattern [
    (shorthand_property_identifier_pattern) @name
    (pair_pattern key: (_) @name value: (identifier) @alias)])
  value: (call_expression
    function: (identifier) @_require
    arguments: (arguments . (string) @module))
  (#eq? @_require "require")) @import

;; docstrings

(comment) @comment

(decorator) @between

;; tests

(call_expression
  function: [(identifier) @_function (member_expression object: (identifier) @_function)]
  arguments: (arguments
    . [(string) (template_string)] @name
    [(arrow_function) (function_expression)])
  (#any-of? @_function "describe" "suite" "context")) @suite

(call_expression
  function: [(identifier) @_function (member_expression object: (identifier) @_function)]
  arguments: (arguments
    . [(string) (template_string)] @name
    [(arrow_function) (function_expression)])
  (#any-of? @_function "it" "test" "specify")) @test

;; entry points
; A program for Node that looks whether it was started itself.

(if_statement
  condition: (parenthesized_expression (binary_expression) @main)
  (#match? @main "require\\.main.*module|import\\.meta\\.main"))
