"""What runs Java inside the sandbox."""
