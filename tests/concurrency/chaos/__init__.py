"""Schedulers killed, frozen and cut off at random, and a checker that looks for what went wrong.

``python -m tests.concurrency.chaos --help`` runs it. `director` is where a run is told from its
beginning to its end; `checker` is pure and says of a `History` what about it breaks a promise.
"""
