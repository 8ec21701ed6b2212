"""The one reader of pictures, for studies, `evaluate`, gates and references alike.

What it gives is upright, in RGB, with 8 bits a channel. It never guesses: a picture whose pixels
have more than one reading is refused by its name, see `read_rgb`.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from rgm_bench.data.decoded import decoded
from rgm_bench.data.fingerprint import fingerprint
from rgm_bench.data.folder import PictureFolder, picture_folder, shown
from rgm_bench.data.location import data_root
from rgm_bench.data.value_range import note_range
from rgm_bench.errors import DataError, MissingDataError

_FORMATS = ("PNG", "JPEG", "WEBP")
_GREY_MODES = ("1", "L", "LA")
_DEEP_MODES = ("I", "F")
"""How Pillow's names of modes with more than 8 bits a channel start; RGB would clip them."""
_OPAQUE = 255
_NAMED_AT_ONCE = 3
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn what is stored, by EXIF's orientation, for it to stand upright."""

_Given = TypeVar("_Given")
_Read = TypeVar("_Read")

log = logging.getLogger(__name__)


def read_pictures(
    folder: Path, image_size: int, *, name: str, content: str
) -> UInt8[Tensor, "n 3 size size"]:
    """All pictures below `folder`, ordered by path, `image_size` pixels high and wide.

    They are decoded once, and then read as they are used from a file that is named by their
    content; where the data root cannot be written they are decoded into memory.

    Args:
        folder: where they lie.
        image_size: height and width that they come out with.
        name: of the image folder.
        content: the fingerprint that the folder has to have.

    Raises:
        MissingDataError: there are none.
        DataError: some of them cannot be used, or they are others than those of the fingerprint.
    """
    found = picture_folder(folder)
    if not found.files:
        raise MissingDataError(f"{shown(folder)} holds no pictures")
    if found.note:
        log.warning("%s", found.note)
    squares, num = _squares(found, image_size, content), len(found.files)
    if os.access(data_root(), os.W_OK):
        file = f"image_folder_{name}"
        images = decoded(file, squares, num=num, image_size=image_size, made_from=(content,))
    else:
        images = gathered(squares, num=num, image_size=image_size)
    note_range(shown(folder), images)
    return images


def _squares(
    found: PictureFolder, image_size: int, content: str
) -> Iterator[UInt8[np.ndarray, "size size 3"]]:
    """The pictures as squares; the bytes that are decoded are those whose content is compared."""
    digests: list[tuple[str, bytes]] = []

    def square(name: str) -> UInt8[np.ndarray, "size size 3"]:
        path = found.folder / name
        whole = read_bytes(path)
        digests.append((name, hashlib.sha256(whole).digest()))
        return centre_square(read_rgb(BytesIO(whole), name=shown(path)), image_size)

    yield from read_all(found.files, square)
    here = fingerprint(digests)
    if here != content:
        raise DataError(
            f"{shown(found.folder)} holds other pictures than those that were planned with: found "
            f"the fingerprint {here}, expected {content}; copy the right ones to this machine"
        )


def read_all(given: Iterable[_Given], read: Callable[[_Given], _Read]) -> Iterator[_Read]:
    """What `read` gives of each, up to the first that it refuses.

    Raises:
        DataError: all refusals in one, at the end, so that they can be mended in one go.
    """
    refusals: list[DataError] = []
    for each in given:
        try:
            found = read(each)
        except DataError as error:
            refusals.append(error)
        else:
            if not refusals:
                yield found
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        first = "".join(f"\n  {error}" for error in refusals[:_NAMED_AT_ONCE])
        raise DataError(f"{len(refusals):,} pictures cannot be used; the first are:{first}")


def gathered(
    pictures: Iterable[UInt8[np.ndarray, "size size 3"]], *, num: int, image_size: int
) -> UInt8[Tensor, "n 3 size size"]:
    """The first `num` of `pictures` in memory, or all where there are fewer.

    Args:
        pictures: as wanted, in order; no more than `num` are made.
        num: of pictures.
        image_size: height and width of each.
    """
    pixels = np.empty((num, image_size, image_size, 3), np.uint8)
    count = 0
    for count, picture in enumerate(islice(pictures, num), 1):
        pixels[count - 1] = picture
    return torch.from_numpy(pixels[:count]).permute(0, 3, 1, 2)


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be read: {error.strerror}; allow reading it, or remove it"
        ) from error


def read_rgb(source: Path | BytesIO, *, name: str | None = None) -> Image.Image:
    """A picture, upright and in RGB, by one rule for all.

    - Read are PNG, JPEG and WebP, by content and not by name; of a JPEG with previews the
      photograph.
    - Grey, palettes and depths below 8 bits are RGB of the same colours.
    - EXIF's orientation is followed, whatever else its tags hold. Colour profiles are not applied.
    - Refused are more than 8 bits a channel, CMYK, animations, and transparent pixels, whose
      colour depends on what is behind them. An alpha channel that hides nothing is dropped.

    Args:
        source: a file, or its bytes.
        name: what errors call it; by default its path.

    Raises:
        DataError: it cannot be read as a picture, or is refused.
    """
    called = name or (shown(source) if isinstance(source, Path) else "a picture")
    return _with_header(source, called, lambda opened: _upright(opened, called))


def is_grey(path: Path) -> bool:
    """Whether a picture is stored in grey, from its header.

    Raises:
        DataError: it cannot be read as a picture, or its header has what `read_rgb` refuses.
    """
    return _with_header(path, shown(path), lambda opened: opened.mode in _GREY_MODES)


def centre_square(picture: Image.Image, image_size: int) -> UInt8[np.ndarray, "size size 3"]:
    """The largest square in the middle, resized; kept exactly where it has that size.

    Lanczos with its support scaled to the reduction, so that a small image shows no aliasing.
    """
    square = ImageOps.fit(picture, (image_size, image_size), Image.Resampling.LANCZOS)
    return np.asarray(square, dtype=np.uint8)


def _with_header(
    source: Path | BytesIO, called: str, take: Callable[[Image.Image], _Read]
) -> _Read:
    """What `take` makes of an opened picture, unless its header says that it has to be refused."""
    try:
        with Image.open(source, formats=_FORMATS) as opened:
            _require_one_reading(opened, called)
            return take(opened)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a corrupt picture raises nearly anything
        why = f"it is none of {', '.join(_FORMATS)}" if _is_unknown(error) else str(error)
        raise DataError(
            f"{called} cannot be read as a picture: {why}; replace or remove it"
        ) from error


def _is_unknown(error: Exception) -> bool:
    return isinstance(error, UnidentifiedImageError)


def _require_one_reading(opened: Image.Image, called: str) -> None:
    # Pillow would drop the low bytes of what it calls RGB;16B, whose mode is RGB
    deep = any(";16" in str(tile.args) for tile in getattr(opened, "tile", ()))
    if deep or opened.mode.startswith(_DEEP_MODES):
        raise DataError(f"{called} has more than 8 bits a channel: save the pictures with 8")
    if opened.mode == "CMYK":
        raise DataError(
            f"{called} has colours for print (CMYK), which every reader shows in other ones: "
            "convert it to RGB"
        )
    # a photograph may have previews behind it, and is MPO then
    if getattr(opened, "is_animated", False) and opened.format != "MPO":
        raise DataError(f"{called} is animated: save each frame as a picture of its own")


def _upright(opened: Image.Image, called: str) -> Image.Image:
    opened.load()  # here, not where its tags are asked for, which may be broken
    turn = _TURNS.get(_orientation(opened))
    picture = _opaque(opened, called)
    # not ImageOps.exif_transpose, which also writes all other tags anew, and stops at odd ones
    return (picture if turn is None else picture.transpose(turn)).convert("RGB")


def _orientation(opened: Image.Image) -> Any:
    try:
        return opened.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # tags that cannot be read turn nothing; each breaks in a way of its own
        return None


def _opaque(opened: Image.Image, called: str) -> Image.Image:
    if not opened.has_transparency_data:
        return opened
    with_alpha = opened.convert("RGBA")
    # a colour that stands for transparency, of which Pillow misses some below 8 bits
    has_key = opened.mode in ("1", "L", "RGB")
    if has_key or (np.asarray(with_alpha)[..., 3] < _OPAQUE).any():
        raise DataError(
            f"{called} has transparent pixels, whose colour depends on what is behind them: save "
            "the pictures on one background, without transparency"
        )
    return with_alpha
