;; definitions

(translation_unit (declaration
  declarator: (function_declarator
    declarator: (identifier) @name)) @definition.prototype)

(function_definition
  declarator: [
    (function_declarator declarator: (_) @name)
    (reference_declarator (function_declarator declarator: (_) @name))
    (pointer_declarator declarator: (function_declarator declarator: (_) @name))
  ]) @definition.function

(field_declaration
  declarator: (function_declarator
    declarator: (field_identifier) @name)) @definition.prototype

(class_specifier
  name: (type_identifier) @name
  body: (_)) @definition.class

(struct_specifier
  name: (type_identifier) @name
  body: (_)) @definition.struct

(namespace_definition
  name: (namespace_identifier) @name) @definition.namespace

(alias_declaration
  name: (type_identifier) @name) @definition.type

(union_specifier
  name: (type_identifier) @name
  body: (_)) @definition.struct

(enum_specifier
  name: (type_identifier) @name
  body: (_)) @definition.enum

(enumerator
  name: (identifier) @name) @definition.member

(field_declaration
  declarator: [
    (field_identifier) @name
    (pointer_declarator declarator: (field_identifier) @name)
    (array_declarator declarator: (field_identifier) @name)
  ]) @definition.field

(type_definition
  declarator: (type_identifier) @name) @definition.type

(preproc_def
  name: (identifier) @name) @definition.macro

(preproc_function_def
  name: (identifier) @name) @definition.macro

;; references

(call_expression function: (identifier) @call)
(call_expression function: (qualified_identifier name: (identifier) @call))
(call_expression function: (template_function name: (identifier) @call))
(new_expression type: (type_identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(assignment_expression left: (identifier) @write)
(assignment_expression left: (field_expression field: (field_identifier) @write))
(update_expression argument: (identifier) @write)
(field_designator (field_identifier) @write)
(type_identifier) @type
[(identifier) (field_identifier) (namespace_identifier)] @read

;; imports

(preproc_include path: (string_literal) @module) @import.include

(preproc_include path: (system_lib_string) @module) @import.system

;; docstrings

(comment) @comment

;; tests
; GoogleTest and Catch2: macros that look like functions.

(function_definition
  declarator: (function_declarator
    declarator: (identifier) @_macro
    parameters: (parameter_list
      . (parameter_declaration type: (type_identifier) @suite.name)
      . (parameter_declaration type: (type_identifier) @name)))
  (#any-of? @_macro "TEST" "TEST_F" "TEST_P" "TYPED_TEST")) @test

;; entry points

(function_definition
  declarator: (function_declarator
    declarator: (identifier) @main)
  (#eq? @main "main"))
