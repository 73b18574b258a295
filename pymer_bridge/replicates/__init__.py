"""Many fits of one design: drawn once, refitted here or by workers, kept when a run is stopped.

One seed gives the same replicates in any number of processes.

May import: `session`, `results`, `data`, `spec`, `display`, `errors`.

New here: for another thing that is drawn and refitted many times copy `bootstrap.py`.
"""
