"""The ladder of fixes: rules, rules upon rules, a model; each proven in the sandbox."""
