"""`python -m harness`, and the `harness` script."""

import sys

from harness.up.asking import ask


def main() -> int:
    """Run a verb. `run` asks a stack that stays up before anything heavy is imported."""
    verb, *words = sys.argv[1:] or [""]
    status = ask(words) if verb == "run" else None
    if status is not None:
        return status
    from harness.cli.main import main as run_verb  # noqa: PLC0415  # click takes as long as asking

    return run_verb()


__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
