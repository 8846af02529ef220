; Functions and classes that a test runner may collect. Which of them are tests, and how they nest,
; is decided by `tests.py`: pytest's and unittest's rules are about names and bases.
(function_definition
  name: (identifier) @function.name) @function

(class_definition
  name: (identifier) @class.name
  superclasses: (argument_list)? @class.bases) @class
