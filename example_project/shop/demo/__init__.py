"""What `manage.py demo` is made of: its data, its child processes, its report."""
