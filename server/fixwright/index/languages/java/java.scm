;; definitions

(class_declaration
  name: (identifier) @name) @definition.class

(interface_declaration
  name: (identifier) @name) @definition.interface

(annotation_type_declaration
  name: (identifier) @name) @definition.interface

(enum_declaration
  name: (identifier) @name) @definition.enum

(enum_constant
  name: (identifier) @name) @definition.member

(record_declaration
  name: (identifier) @name) @definition.class

(class_body (method_declaration
  name: (identifier) @name) @definition.method)

(interface_body (method_declaration
  name: (identifier) @name) @definition.method)

(constructor_declaration
  name: (identifier) @name) @definition.constructor

(class_declaration
  body: (class_body (field_declaration
    declarator: (variable_declarator name: (identifier) @name)) @definition.field))

(interface_body (constant_declaration
  declarator: (variable_declarator name: (identifier) @name)) @definition.constant)

;; references

(method_invocation name: (identifier) @call)
(method_reference (identifier) @call .)
(object_creation_expression type: (type_identifier) @call)
(object_creation_expression type: (generic_type (type_identifier) @call))
(annotation name: (identifier) @type)
(marker_annotation name: (identifier) @type)
(assignment_expression left: (identifier) @write)
(assignment_expression left: (field_access field: (identifier) @write))
(update_expression (identifier) @write)
(import_declaration (scoped_identifier name: (identifier) @import))
(package_declaration (scoped_identifier (identifier) @skip))
(package_declaration (identifier) @skip)
(type_identifier) @type
(identifier) @read

;; imports

(import_declaration
  (scoped_identifier) @module
  .
  ";") @import

(import_declaration
  (scoped_identifier) @module
  (asterisk) @name) @import

(import_declaration
  (identifier) @module
  (asterisk)? @name) @import

(package_declaration [(scoped_identifier) (identifier)] @module) @import.package

;; docstrings

(block_comment) @comment

;; tests

(class_body (class_declaration
  name: (identifier) @name) @suite)

(method_declaration
  (modifiers [
    (marker_annotation name: (identifier) @_annotation)
    (annotation name: (identifier) @_annotation)
  ])
  name: (identifier) @name
  (#any-of? @_annotation "Test" "ParameterizedTest" "RepeatedTest" "TestFactory" "TestTemplate")) @test

; JUnit 3: by names and a base class.
(class_declaration
  superclass: (superclass (type_identifier) @_base)
  body: (class_body (method_declaration
    name: (identifier) @name) @test)
  (#match? @_base "TestCase$")
  (#match? @name "^test"))

;; entry points

(method_declaration
  type: (void_type)
  name: (identifier) @main
  (#eq? @main "main"))
