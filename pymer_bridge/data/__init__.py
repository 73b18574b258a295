"""Data frames to checked columns and back, and the layouts of files in which nothing is ever run.

Columns are numpy arrays with what R needs beside them (levels, missing values, classes).

May import: `errors`, `spec`, `display`.

New here: a kind of column is a case in `columns.py`, and in `columns_from_r.py` for the way back;
for a file with a layout of its own copy `record_file.py`.
"""
