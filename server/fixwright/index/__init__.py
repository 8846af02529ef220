"""What the code means: symbols, slices, tests and definitions, read with tree-sitter.

Nothing of tree-sitter is imported until a text of a known language is parsed.
"""
