import os
from pathlib import Path

import pytest

from rgm_bench.data.folder import has_pictures, picture_folder, shown


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_pictures_are_found_in_folders_of_any_depth_and_ordered_by_path(tmp_path: Path):
    fill(tmp_path, "b.png", "a/z.JPG", "a.jpeg", "a/b/c.webp")
    found = picture_folder(tmp_path)
    assert list(found.files) == ["a.jpeg", "a/b/c.webp", "a/z.JPG", "b.png"]
    assert found.paths[0] == tmp_path / "a.jpeg"
    assert found.note == ""


def test_what_is_left_out_is_counted(tmp_path: Path):
    fill(tmp_path, "a.png", "b.bmp", "c.BMP", "README", ".x/y.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "fifo.png")
    assert picture_folder(tmp_path).note == (
        f"{tmp_path}: left out 1 hidden (.x), 1 linked to nothing (gone.png), 1 no file (fifo.png),"
        " 2 with the ending .bmp (the first is b.bmp), 1 without an ending (README)"
    )


def test_links_are_followed_once_around(tmp_path: Path):
    fill(tmp_path / "elsewhere", "a.png", "sub/b.png")
    fill(tmp_path / "here", "c.png")
    (tmp_path / "here/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "here/d.png").symlink_to(tmp_path / "elsewhere/a.png")
    (tmp_path / "elsewhere/sub/back").symlink_to(tmp_path / "here")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    found = picture_folder(tmp_path / "here")
    assert list(found.files) == ["c.png", "d.png", "linked/a.png", "linked/sub/b.png"]
    assert found.left_out == {"linked in a circle": ("linked/sub/back",)}


def test_a_name_that_is_no_text_is_shown_with_its_bytes(tmp_path: Path):
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.tif"))).write_bytes(b"")
    assert picture_folder(tmp_path).note.endswith(r"1 with the ending .tif (caf\xe9.tif)")
    assert shown("café") == "café"


@pytest.mark.parametrize(("name", "found"), [("a.png", True), ("a.bmp", False), (".png", False)])
def test_whether_there_is_one(tmp_path: Path, name: str, found: bool):
    fill(tmp_path, name)
    assert has_pictures(tmp_path) == found
