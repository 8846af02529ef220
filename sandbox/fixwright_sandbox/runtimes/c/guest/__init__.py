"""C and C++ inside the sandbox: build, run and test, and tell what went wrong."""
