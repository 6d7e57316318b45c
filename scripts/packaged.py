"""What an sdist and a wheel hold: all that is committed, and nothing else.

python scripts/packaged.py dist/hsw2v-0.1.0.tar.gz dist/hsw2v-0.1.0-py3-none-any.whl
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = (".ci/", ".gitignore")
"""What the sdist goes without."""
MADE = ("PKG-INFO", "setup.cfg", "hsw2v.egg-info/")
"""What setuptools adds to it."""


def main() -> None:
    """Compare both with what git knows; exit with 1 and the differences, if there are any."""
    sdist, wheel = sys.argv[1:]
    known = committed()
    package = {name for name in known if name.startswith("hsw2v/")}
    problems = [
        *differences(sdist, names_of_sdist(sdist), known),
        *differences(wheel, names_of_wheel(wheel), package),
    ]
    sys.exit("\n".join(problems) or None)


def committed() -> set[str]:
    """Return the files that git knows, or will once they are added, but those left out."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
    names = {name for name in done.stdout.splitlines() if (ROOT / name).exists()}
    return {name for name in names if not name.startswith(LEFT_OUT)}


def names_of_sdist(path: str) -> set[str]:
    """Return the files of an sdist, without its folder and what setuptools makes."""
    with tarfile.open(path) as archive:
        names = {one.name.partition("/")[2] for one in archive if one.isfile()}
    return {name for name in names if not name.startswith(MADE)}


def names_of_wheel(path: str) -> set[str]:
    """Return the files of a wheel that are installed, without what is said about it."""
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def differences(archive: str, held: set[str], wanted: set[str]) -> list[str]:
    """Return a sentence for each file too many or too few."""
    return [
        *(f"{archive}: holds {name}, which is not committed" for name in sorted(held - wanted)),
        *(f"{archive}: lacks {name}" for name in sorted(wanted - held)),
    ]


if __name__ == "__main__":
    main()
