"""The rules of the house that no linter knows, kept by reading the source itself."""
