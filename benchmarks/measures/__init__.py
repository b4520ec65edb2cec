"""One file a question; each is asked in a process of its own, on a database of its own."""
