"""Read by mypy, never run: what a type checker must know about the public names."""
