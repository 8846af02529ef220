"""Run untrusted code in a sandbox: a product of its own."""
