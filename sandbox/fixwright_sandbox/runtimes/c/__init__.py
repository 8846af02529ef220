"""The runtime of C and C++."""
