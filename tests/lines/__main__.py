"""`python -m tests.lines [SCENARIO ...]`: run the suite, and print each line of the webhook that never ran.

The service runs about half as fast while it is recorded, so a scenario may be inconclusive. Nothing is judged here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import coverage

from tests.lines import recorder

ROOT = Path(__file__).parents[2]
PACKAGE = "webhook"
COPIED = (PACKAGE, "scenarios", "ops")
FREE_OF_CACHES = shutil.ignore_patterns("__pycache__")


def copy_recorded(into: Path, lines: Path, root: Path = ROOT) -> None:
    """Copy the suite and its service. In the copy, the service records itself, and writes into the folder `lines`."""
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, into / name, ignore=FREE_OF_CACHES)
    shutil.copy(recorder.__file__, into / PACKAGE / "recorder.py")
    with (into / PACKAGE / "__init__.py").open("a", encoding="utf-8") as package:
        package.write(
            f"\nfrom pathlib import Path\n\nfrom {PACKAGE}.recorder import Recorder\n\n"
            f"Recorder(Path({str(into / PACKAGE)!r}), Path({str(lines)!r})).start()\n"
        )


def lines_in(folder: Path, processes: str = "*.lines") -> Mapping[str, set[int]]:
    """Return the lines of each file that these processes recorded.

    The last line of a killed process may be incomplete, and is left out.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for written in folder.glob(processes):
        for line in written.read_text("utf-8").rpartition("\n")[0].splitlines():
            file, _, number = line.partition("\t")
            found[file].add(int(number))
    return found


def never_ran(package: Path, ran: Mapping[str, set[int]]) -> Sequence[str]:
    """Return `FILE:LINE: TEXT` of each statement of the package that is in no process's record."""
    data = coverage.CoverageData(no_disk=True)
    data.add_lines(ran)
    measured = coverage.Coverage(data_file=None, config_file=False)
    measured.get_data().update(data)
    told = []
    for path in sorted(package.rglob("*.py")):
        if path.name in ("recorder.py", "__init__.py"):
            continue
        text = path.read_text("utf-8").splitlines()
        _, _, _, missing, _ = measured.analysis2(str(path))
        told += [f"{path.relative_to(package.parent)}:{line}: {text[line - 1].strip()}" for line in missing]
    return told


def main(arguments: Sequence[str]) -> int:
    """Run the gate on the recorded copy. Return the harness's exit status."""
    with tempfile.TemporaryDirectory(prefix="lines-") as folder:
        suite, lines = Path(folder, "suite"), Path(folder, "lines")
        lines.mkdir()
        copy_recorded(suite, lines)
        command = [sys.executable, "-m", "harness", "gate", "--no-baseline", "--results", str(Path(folder, "results"))]
        status = subprocess.run([*command, *arguments], cwd=suite, check=False).returncode
        told = never_ran(suite / PACKAGE, lines_in(lines))
    sys.stdout.write("".join(f"{line}\n" for line in told))
    sys.stdout.write(f"{len(told)} lines of {PACKAGE} never ran\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
