"""JavaScript and TypeScript inside the sandbox: Node, esbuild and the TypeScript compiler."""
