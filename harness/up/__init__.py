"""`harness up` keeps servers running; `harness run` runs scenarios on them, each time in a fork of a loaded Python.

`asking`, `entries` and `messages` are what `harness run` needs to ask; they import nothing heavy. `announcing`,
`serving`, `servers` and `child` are what `harness up` does.
"""
