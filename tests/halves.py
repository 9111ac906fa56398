"""``python -m tests.halves``: every test, in two processes at once, so that the second core is not idle.

Each half starts servers of its own. The output of the first is shown as it comes, that of the second when it is there.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

RACE = "tests/acceptance/test_race.py"
FIRST = ["tests/acceptance", f"--ignore={RACE}"]
ROOMS = {path.parts[1] for path in Path("tests").rglob("test_*.py")} - {"acceptance"}
SECOND = [RACE, *(f"tests/{room}" for room in sorted(ROOMS))]


def main() -> int:
    """0 when every test passed."""
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    with tempfile.TemporaryFile() as output:
        second = subprocess.Popen([*pytest, *SECOND], stdout=output, stderr=subprocess.STDOUT)
        first = subprocess.run([*pytest, *FIRST], check=False)
        ended = second.wait()
        output.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    return first.returncode or ended


if __name__ == "__main__":
    sys.exit(main())
