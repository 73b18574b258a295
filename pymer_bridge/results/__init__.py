"""Frozen dataclasses that carry what R computed: a file for each family, `decode/` reads them.

A result holds rows or named arrays, and shows, stores and compares itself. It computes nothing
and knows neither R nor pictures.

May import: `data`, `spec`, `display`, `errors`.

New here: a dataclass in the file of its family; for a new family copy `icc_r2.py`, and give what R
answers a reader in `decode/`.
"""
