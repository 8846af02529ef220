;; definitions

(function_definition
  name: (word) @name) @definition.function

(program (variable_assignment
  name: (variable_name) @name) @definition.variable)

(program (declaration_command (variable_assignment
  name: (variable_name) @name) @definition.variable))

;; references

(command name: (command_name (word) @call))
(variable_assignment name: (variable_name) @write)
(variable_name) @read

;; imports

(command
  name: (command_name (word) @_source)
  .
  argument: (_) @module
  (#any-of? @_source "." "source")) @import

;; docstrings

(comment) @comment
