"""What the exit code of a command means; part of the interface, so scripts may rely on it."""

DONE = 0
REGRESSION = 1
"""A number is not what it should be."""

USAGE = 2
"""A mistake in a study, an option, the data or the store; nothing was run."""

INCONCLUSIVE = 3
"""The seeds of a gate can neither show nor exclude a regression."""

NOT_COMPARABLE = 4
"""What a gate has measured is another quantity than its baseline, or another machine's."""

FAILED_UNITS = 5
"""Everything that could run has run, and some units failed."""

INCOMPLETE = 6
"""A limit of the run was reached with units left; the same command goes on."""

CRASHED = 70
"""A fault of rgm-bench itself, with a traceback: EX_SOFTWARE, since 1 says something of numbers."""

INTERRUPTED = 130
"""Stopped by Ctrl-C; the same command goes on."""

TERMINATED = 143
"""Stopped by SIGTERM; the same command goes on."""
