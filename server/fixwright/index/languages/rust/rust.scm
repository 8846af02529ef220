;; definitions

(function_item
  name: (identifier) @name) @definition.function

(function_signature_item
  name: (identifier) @name) @definition.function

(struct_item
  name: (type_identifier) @name) @definition.struct

(union_item
  name: (type_identifier) @name) @definition.struct

(enum_item
  name: (type_identifier) @name) @definition.enum

(enum_variant
  name: (identifier) @name) @definition.member

(trait_item
  name: (type_identifier) @name) @definition.trait

(mod_item
  name: (identifier) @name) @definition.module

(type_item
  name: (type_identifier) @name) @definition.type

(const_item
  name: (identifier) @name) @definition.constant

(static_item
  name: (identifier) @name) @definition.variable

(macro_definition
  name: (identifier) @name) @definition.macro

(struct_item
  body: (field_declaration_list (field_declaration
    name: (field_identifier) @name) @definition.field))

;; references

(call_expression function: (identifier) @call)
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @call)))
(macro_invocation macro: (identifier) @call)
(assignment_expression left: (identifier) @write)
(assignment_expression left: (field_expression field: (field_identifier) @write))
(compound_assignment_expr left: (identifier) @write)
(use_declaration argument: (identifier) @import)
(use_declaration argument: (scoped_identifier name: (identifier) @import))
(use_list (identifier) @import)
(use_list (scoped_identifier name: (identifier) @import))
(use_as_clause path: (scoped_identifier name: (identifier) @import))
(type_identifier) @type
[(identifier) (field_identifier) (shorthand_field_identifier)] @read

;; imports
; A `use` nests without bound, so its tree of names is read by `use.py`; the parts are these.

(use_declaration argument: (_) @tree) @import

(extern_crate_declaration
  name: (identifier) @module
  alias: (identifier)? @alias) @import

(mod_item
  name: (identifier) @module
  !body) @import.module

;; docstrings

[
  (line_comment)
  (block_comment)
] @comment

(attribute_item) @between

;; tests

(mod_item
  name: (identifier) @name
  body: (_)) @suite

((attribute_item (attribute
    [(identifier) @_test (scoped_identifier name: (identifier) @_test)]))
  .
  (attribute_item)*
  .
  (function_item
    name: (identifier) @name) @test
  (#eq? @_test "test"))

;; entry points

(source_file
  (function_item
    name: (identifier) @main)
  (#eq? @main "main"))
