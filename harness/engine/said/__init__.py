"""What a service writes: the lines of its log and its metrics, in a form that people can approve.

`lines.py` reads a line's fields; `shapes.py` groups lines of one form; `families.py` groups metrics; `approved.py`
reads and writes the committed file, and learns from histories; `comparing.py` says what is not as approved;
`recording.py` does all of it for a run.
"""
