"""Other schedulers asked the same questions, each set up as its documentation recommends.

The modules here run in the peers' own virtual environment: they must import nothing of ours
(but `ours`), and of `benchmarks` only what needs no package.
"""
