;; definitions

(function_declaration
  name: (identifier) @name) @definition.function

(method_declaration
  name: (field_identifier) @name) @definition.method

(source_file (type_declaration (type_spec
  name: (type_identifier) @name) @definition.type))

(source_file (type_declaration (type_alias
  name: (type_identifier) @name) @definition.type))

(source_file (const_declaration (const_spec
  name: (identifier) @name) @definition.constant))

(source_file (var_declaration (var_spec
  name: (identifier) @name) @definition.variable))

(source_file (var_declaration (var_spec_list (var_spec
  name: (identifier) @name) @definition.variable)))

;; references

(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))
(assignment_statement left: (expression_list (identifier) @write))
(assignment_statement left: (expression_list (selector_expression field: (field_identifier) @write)))
(short_var_declaration left: (expression_list (identifier) @write))
(type_identifier) @type
(keyed_element . (literal_element (identifier) @write))
(package_clause (package_identifier) @skip)
[(identifier) (field_identifier) (package_identifier)] @read

;; imports

(import_spec
  name: [(package_identifier) (blank_identifier) (dot)]? @alias
  path: (_) @module) @import

(package_clause (package_identifier) @module) @import.package

;; docstrings

(comment) @comment

;; tests

(function_declaration
  name: (identifier) @name
  parameters: (parameter_list . (parameter_declaration
    type: (pointer_type (qualified_type
      package: (package_identifier) @_package
      name: (type_identifier) @_type))))
  (#match? @name "^(Test|Benchmark|Fuzz)([^a-z]|$)")
  (#eq? @_package "testing")
  (#any-of? @_type "T" "B" "F")) @test

(function_declaration
  name: (identifier) @name
  parameters: (parameter_list . ")")
  (#match? @name "^Example([^a-z]|$)")) @test

(call_expression
  function: (selector_expression
    operand: (identifier)
    field: (field_identifier) @_run)
  arguments: (argument_list . (interpreted_string_literal (interpreted_string_literal_content) @name) (func_literal))
  (#eq? @_run "Run")) @test

;; entry points

(source_file
  (package_clause (package_identifier) @_package)
  (function_declaration
    name: (identifier) @main)
  (#eq? @_package "main")
  (#eq? @main "main"))
