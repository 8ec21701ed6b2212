"""The command `rgm-bench`. It parses, calls and prints; what it calls is usable without it."""

import sys
import traceback
from typing import NoReturn


def main() -> NoReturn:
    """Be the process of a command: see `rgm_bench.cli.app.main`."""
    try:
        from rgm_bench.cli.app import main as run_and_exit
        from rgm_bench.cli.output import guard_output
    except Exception:  # an installation with something missing; 1 would be a regression
        from rgm_bench.cli.exit_codes import CRASHED

        traceback.print_exc()
        sys.exit(CRASHED)
    guard_output()
    run_and_exit()
