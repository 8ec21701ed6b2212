import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"


def test_first_steps_runs_as_a_whole(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "first_steps.py"), str(tmp_path / "store")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    # 3 trainings, an evaluation of each, and 2 rows of real images
    assert "8 units ran" in done.stdout
    assert "from 4 evaluations each" in done.stdout
