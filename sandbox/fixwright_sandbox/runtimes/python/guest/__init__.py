"""What runs Python inside the sandbox, there under the name `fixwright_guest.python`."""
