"""The command `rgm-bench`. It parses, calls and prints; what it calls is usable without it."""

from rgm_bench.cli.app import main

__all__ = ["main"]
