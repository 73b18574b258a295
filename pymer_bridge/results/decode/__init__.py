"""R's answers, lists of plain vectors, as results: fields get names, and nothing is computed.

May import: what `results` may, and `results`.

New here: a function that takes one answer and returns one result; copy one of `tests.py`.
"""
