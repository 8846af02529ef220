;; definitions

(function_definition
  name: (identifier) @name) @definition.function

(class_definition
  name: (identifier) @name) @definition.class

(type_alias_statement
  left: (type (identifier) @name)) @definition.type

(module (expression_statement
  (assignment left: (identifier) @name) @definition.variable))

(class_definition
  body: (block (expression_statement
    (assignment left: (identifier) @name) @definition.variable)))

;; references

(call function: (identifier) @call)
(call function: (attribute attribute: (identifier) @call))
(decorator (identifier) @call)
(class_definition superclasses: (argument_list (identifier) @type))
(type (identifier) @type)
(assignment left: (identifier) @write)
(assignment left: (attribute attribute: (identifier) @write))
(augmented_assignment left: (identifier) @write)
(named_expression name: (identifier) @write)
(for_statement left: (identifier) @write)
(import_statement name: (dotted_name (identifier) @import))
(import_from_statement name: (dotted_name (identifier) @import))
(aliased_import name: (dotted_name (identifier) @import))
(keyword_argument name: (identifier) @skip)
(identifier) @read

;; imports
; Each match is one name that an import statement binds.

(import_statement
  name: (dotted_name) @module) @import

(import_statement
  name: (aliased_import
    name: (dotted_name) @module
    alias: (identifier) @alias)) @import

(import_from_statement
  module_name: [(dotted_name) @module (relative_import (import_prefix) @level (dotted_name)? @module)]
  name: (dotted_name) @name) @import

(import_from_statement
  module_name: [(dotted_name) @module (relative_import (import_prefix) @level (dotted_name)? @module)]
  name: (aliased_import
    name: (dotted_name) @name
    alias: (identifier) @alias)) @import

(import_from_statement
  module_name: [(dotted_name) @module (relative_import (import_prefix) @level (dotted_name)? @module)]
  (wildcard_import) @name) @import

;; docstrings

(function_definition
  body: (block . (expression_statement (string (string_content) @doc)))) @documented

(class_definition
  body: (block . (expression_statement (string (string_content) @doc)))) @documented

;; tests
; Functions and classes that a test runner may collect. Which of them are tests, and how they nest,
; is decided by pytest's and unittest's rules about names and bases: see `tests.py`.

(function_definition
  name: (identifier) @function.name) @function

(class_definition
  name: (identifier) @class.name
  superclasses: (argument_list)? @class.bases) @class

;; entry points

(module (if_statement
  condition: (comparison_operator . (identifier) @_name (string) @_main) @main
  (#eq? @_name "__name__")
  (#match? @_main "__main__")))
