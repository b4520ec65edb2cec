"""A Django application for the tests: its jobs are found as a project's jobs are."""
