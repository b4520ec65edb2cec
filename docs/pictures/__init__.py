"""The timelines in the how-to guides, drawn from what the real engine did.

``scenes`` plays a job on a manual clock and reads its rows, ``drawing`` turns them into SVG.
``tests/house/test_pictures.py`` draws every picture again and compares it with the file; with
``REWRITE_PICTURES=1`` in the environment it writes the file instead.
"""
