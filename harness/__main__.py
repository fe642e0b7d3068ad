"""`python -m harness`, and the `harness` script."""

import sys

from harness.quick import ask


def main() -> int:
    """Run a verb; `run`, on a stack that stays up, before anything else is imported."""
    verb, *words = sys.argv[1:] or [""]
    status = ask(words) if verb == "run" else None
    if status is not None:
        return status
    from harness.cli import main as run_verb  # noqa: PLC0415  # half a second of imports

    return run_verb()


__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
