"""`python -m rgm_bench` is `rgm-bench`."""

from rgm_bench.cli import main

if __name__ == "__main__":
    main()
