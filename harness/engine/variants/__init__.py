"""Variants of a usual request, each with one difference: what is sent, and what the service answered and stored.

`operators.py` and `raw_operators.py` list the changes, as data; `making.py` makes a target's variants from them;
`sending.py` sends a request's bytes and reads the answer's; `answers.py` has the form in which answers are compared;
`approved.py` reads and writes the committed file; `asking.py` does all of it for a run.
"""
