"""`sesame-kms` and `python -m sesame_kms`: run the program with the same arguments."""
import os
import sys
from typing import NoReturn

from ._program import ProgramMissing, find_program


def main() -> NoReturn:
    try:
        program = find_program()
    except ProgramMissing as missing:
        sys.exit(f"sesame-kms: {missing}")
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
