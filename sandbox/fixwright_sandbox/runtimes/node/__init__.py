"""The runtime of JavaScript and TypeScript."""
