"""What runs inside the sandbox: standard library only, Python 3.9 and later.

The host sends these modules into the environment as text. There they form a package named
`fixwright_guest` with no files behind it: modules import each other by relative imports, and
`__file__` (and the file name in tracebacks) is `/fixwright_guest/NAME.py`, which does not exist.
"""
