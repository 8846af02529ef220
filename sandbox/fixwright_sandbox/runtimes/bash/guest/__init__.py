"""What runs Bash inside the sandbox, there under the name `fixwright_guest.bash`."""
