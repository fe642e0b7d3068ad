"""Variants of a usual request, each with one thing unlike: what is sent, and what the service answered and stored.

`operators.py` and `raw_operators.py` list what is changed, as data; `making.py` puts them together for a target;
`sending.py` sends bytes and reads the answer's; `answers.py` is the form in which answers are compared; `approved.py`
reads and writes the committed file; `asking.py` does all of it for a run.
"""
