"""`harness up` keeps servers running; `harness run` runs scenarios on them, each time in a fork of a loaded Python.

`asking`, `entries` and `messages` belong to `harness run`, and import nothing heavy. `announcing`, `serving`, `servers`
and `child` belong to `harness up`.
"""
