"""`python -m harness`, and the `harness` script."""

import gc
import sys


def main() -> int:
    """Run a verb. `run` asks a stack that stays up before anything heavy is imported."""
    verb, *words = sys.argv[1:] or [""]
    if verb == "run":
        from harness.up.asking import ask  # noqa: PLC0415  # for this verb only

        status = ask(words)
        if status is not None:
            return status
    from harness.cli.main import main as run_verb  # noqa: PLC0415  # click takes as long as asking

    status = run_verb()
    gc.freeze()  # the process ends: its last collections, a fifth of a second, would free what ends with it anyway
    return status


__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
