"""What runs Rust inside the sandbox."""
