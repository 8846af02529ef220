; Each match is one name that an import statement binds.
(import_statement
  name: (dotted_name) @module)

(import_statement
  name: (aliased_import
    name: (dotted_name) @module
    alias: (identifier) @alias))

(import_from_statement
  module_name: (_) @from
  name: (dotted_name) @name)

(import_from_statement
  module_name: (_) @from
  name: (aliased_import
    name: (dotted_name) @name
    alias: (identifier) @alias))
