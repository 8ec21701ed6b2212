from pathlib import Path

import pytest

from tests.python_study.given import BASE, CLASS, STUDY, WriteStudy


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteStudy:
    """Writes `mine.py` beside the study that it extends, into the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE)

    def write_file(text: str = CLASS + STUDY, name: str = "mine.py") -> Path:
        Path(name).write_text(text)
        return Path(name)

    return write_file
