"""`python -m rgm_bench` is `rgm-bench`."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # Python puts the present folder first, where a `random.py` would be taken for its own
        sys.path.append(sys.path.pop(0))
    from rgm_bench.cli import main

    main()
