"""What a service says: the lines of its log and its metrics, in a form that people approve.

`lines.py` reads a line's fields; `shapes.py` puts lines of one form together; `families.py` does so with metrics;
`approved.py` reads, writes and learns the committed file; `comparing.py` says what is not as approved; `recording.py`
does all of it for a run.
"""
