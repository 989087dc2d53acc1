"""Where the program is."""
import os
import pathlib
import platform
import shutil
import sys
import sysconfig
from typing import Iterator


class ProgramMissing(Exception):
    """There is no program `sesame` on this machine. The text says what to do."""


def find_program() -> str:
    """The path of the program: SESAME_PROGRAM, else the one of this package, else `sesame` on the PATH."""
    given = os.environ.get("SESAME_PROGRAM")
    if given:
        if not os.access(given, os.X_OK) or not os.path.isfile(given):
            raise ProgramMissing(f"SESAME_PROGRAM names {given!r}, which is no program; set it to the path of `sesame`, such as /usr/bin/sesame")
        return given
    for place in _places():
        if os.access(place, os.X_OK) and place.is_file():
            return str(place)
    found = shutil.which("sesame")
    if found:
        return found
    raise ProgramMissing(
        f"there is no program `sesame` for {platform.system()} on {platform.machine()}: this package has one for Linux on x86-64 and arm64 only. "
        "Put `sesame` on the PATH, set SESAME_PROGRAM to its path, or set SESAME_URL to a server that runs, such as http://127.0.0.1:7070")


def _places() -> Iterator[pathlib.Path]:
    """Where pip puts the program of this package."""
    yield pathlib.Path(sysconfig.get_path("scripts"), "sesame")
    yield pathlib.Path(sysconfig.get_path("scripts", f"{os.name}_user"), "sesame")
    # pip install --target puts it into bin beside the package, and --prefix into bin beside lib.
    here = pathlib.Path(__file__).resolve().parent
    yield here.parent / "bin" / "sesame"
    if len(here.parents) > 3:
        yield here.parents[3] / "bin" / "sesame"
    yield pathlib.Path(sys.executable).parent / "sesame"
