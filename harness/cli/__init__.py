"""The command line: `python -m harness VERB`. It begins in `main`, and `listing` has the verbs."""
