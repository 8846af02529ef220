"""What the agent may do: rules, protected files, questions, grants, trust, hooks, and the fence."""
