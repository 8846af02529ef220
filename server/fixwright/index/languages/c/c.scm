;; definitions

(function_definition
  declarator: (function_declarator
    declarator: (identifier) @name)) @definition.function

(function_definition
  declarator: (pointer_declarator
    declarator: (function_declarator
      declarator: (identifier) @name))) @definition.function

(translation_unit (declaration
  declarator: (function_declarator
    declarator: (identifier) @name)) @definition.prototype)

(struct_specifier
  name: (type_identifier) @name
  body: (_)) @definition.struct

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
(call_expression function: (field_expression field: (field_identifier) @call))
(assignment_expression left: (identifier) @write)
(assignment_expression left: (field_expression field: (field_identifier) @write))
(update_expression argument: (identifier) @write)
(field_designator (field_identifier) @write)
(type_identifier) @type
[(identifier) (field_identifier)] @read

;; imports

(preproc_include path: (string_literal) @module) @import.include

(preproc_include path: (system_lib_string) @module) @import.system

;; docstrings

(comment) @comment

;; entry points

(function_definition
  declarator: (function_declarator
    declarator: (identifier) @main)
  (#eq? @main "main"))
