"""What the agent can do: one module a tool, and the registry that names them to the model."""
