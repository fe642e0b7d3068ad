"""`harness up` and `harness run`: servers that stay up, and a fork of a Python that has imported all, for each run.

`asking`, `entries` and `messages` are what `harness run` needs to ask; they import nothing heavy. `announcing`,
`serving`, `standing` and `child` are what `harness up` does.
"""
