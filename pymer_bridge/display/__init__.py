"""Rows to text, HTML, Markdown and LaTeX, and numbers as R and as papers write them.

Nothing here knows where a figure comes from: it gets rows and returns text.

May import: `errors`.

New here: a way to write numbers is a file of its own; copy `apa.py`.
"""
