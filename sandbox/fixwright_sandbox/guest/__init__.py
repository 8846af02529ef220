"""What runs inside the sandbox: standard library only, Python 3.9 and later.

The host sends these modules into the environment as text, and with them those of the runtime,
`runtimes/NAME/guest/`. There they form one package named `fixwright_guest` with no files behind
it: these directly in it, a runtime's in `fixwright_guest.NAME`. `__file__` (and the file name in
tracebacks) is `/fixwright_guest/NAME.py`, which does not exist.

Neighbours import each other by relative imports. A runtime's modules import these by their
absolute names on the host (`fixwright_sandbox.guest.bounds`), which `bundle` changes on the way
into what they are called in there.
"""
