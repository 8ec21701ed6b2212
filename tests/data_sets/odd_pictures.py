"""Pictures of every mode, depth, size, tag, ending and name, with what they have to be read as.

PNGs are written chunk by chunk here and not by Pillow, so the right pixels are known from the
arrays alone. What JPEG and lossy WebP hold is decoded by torchvision, which does not use Pillow.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg, decode_webp

Pixels = np.ndarray[Any, Any]

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
DEPTHS = {
    GREY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GREY_ALPHA: (8, 16),
    RGBA: (8, 16),
}
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
SIZES = ((16, 16), (1, 1), (13, 7))


@dataclass(frozen=True)
class Odd:
    """A picture: its file, and the right pixels, or what has to be said of it."""

    title: str
    content: bytes
    right: Pixels | None = None
    said: str = ""
    name: bytes = b"odd.png"


def odd_pictures() -> Iterator[Odd]:
    yield from of_each_mode()
    yield from with_transparency()
    yield from with_orientation()
    yield from with_odd_tags()
    yield from of_other_formats()
    yield from with_odd_names()


# --- PNG, by hand -------------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def packed(samples: Pixels, depth: int) -> bytes:
    """Rows of samples, `height x width x channels`, as PNG packs them, each with filter 0."""
    height = len(samples)
    rows = samples.reshape(height, -1)
    if depth == 16:
        data = rows.astype(">u2").view(np.uint8).reshape(height, -1)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - depth :]
        data = np.packbits(bits.reshape(height, -1), axis=-1)
    return b"".join(b"\0" + row.tobytes() for row in data)


ADAM7 = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2)]
ADAM7 += [(0, 2, 1, 2), (1, 2, 0, 1)]
"""First row, step of rows, first column and step of columns of each pass."""


def png(
    samples: Pixels, colour: int, depth: int, *chunks: bytes, interlaced: bool = False
) -> bytes:
    height, width = samples.shape[:2]
    passes = [samples[a::b, c::d] for a, b, c, d in ADAM7] if interlaced else [samples]
    data = b"".join(packed(part, depth) for part in passes if part.size)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    whole = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(data))]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*whole, chunk(b"IEND", b"")])


def drawn(seed: int, *shape: int, below: int = 256) -> Pixels:
    return np.random.default_rng(seed).integers(0, below, shape)


def as_rgb(grey: Pixels) -> Pixels:
    return np.repeat(grey.reshape(*grey.shape[:2], 1), 3, axis=2).astype(np.uint8)


def palette_of(depth: int) -> Pixels:
    return drawn(7, 2**depth, 3).astype(np.uint8)


def plte(palette: Pixels) -> bytes:
    return chunk(b"PLTE", palette.tobytes())


def of_each_mode() -> Iterator[Odd]:
    for colour, depths in DEPTHS.items():
        for depth in depths:
            for size in SIZES:
                for interlaced in (False, True):
                    yield of_mode(colour, depth, size, interlaced=interlaced)


def of_mode(colour: int, depth: int, size: tuple[int, int], *, interlaced: bool) -> Odd:
    samples = drawn(depth, *size, CHANNELS[colour], below=2**depth)
    palette, chunks = palette_of(min(depth, 8)), tuple[bytes, ...]()
    if colour in (GREY_ALPHA, RGBA):
        samples[..., -1] = 2**depth - 1
    if colour == PALETTE:
        chunks, right = (plte(palette),), palette[samples[..., 0]]
    elif colour in (GREY, GREY_ALPHA):
        right = as_rgb(samples[..., 0] * 255 // (2**depth - 1))
    else:
        right = samples[..., :3].astype(np.uint8)
    title = f"colour type {colour}, {depth} bits, {size[0]}x{size[1]}, interlaced {interlaced}"
    content = png(samples, colour, depth, *chunks, interlaced=interlaced)
    if depth == 16:
        return Odd(title, content, said="more than 8 bits a channel")
    return Odd(title, content, right)


def with_transparency() -> Iterator[Odd]:
    said = "transparent pixels"
    grey, colour = drawn(1, 16, 16, 2), drawn(2, 16, 16, 4)
    grey[..., 1] = colour[..., 3] = 255
    for alpha in (0, 1, 254):
        grey[5, 5, 1] = colour[5, 5, 3] = alpha
        yield Odd(f"grey with alpha {alpha}", png(grey, GREY_ALPHA, 8), said=said)
        yield Odd(f"RGB with alpha {alpha}", png(colour, RGBA, 8), said=said)
    for depth in (1, 2, 4, 8):
        shades = drawn(3, 16, 16, 1, below=2**depth)
        shades[0, 0] = 1
        key = chunk(b"tRNS", struct.pack(">H", 1))
        yield Odd(f"grey of {depth} bits with a key", png(shades, GREY, depth, key), said=said)
    key = chunk(b"tRNS", struct.pack(">HHH", *colour[0, 0, :3]))
    yield Odd("RGB with a key", png(colour[..., :3], RGB, 8, key), said=said)
    palette, picks = palette_of(4), drawn(4, 16, 16, 1, below=8)
    picks[0, 0] = 3
    opaque = bytes(8 * [255])
    for name, alphas in (("opaque", opaque), ("transparent where nothing is", opaque + b"\0")):
        content = png(picks, PALETTE, 4, plte(palette), chunk(b"tRNS", alphas))
        yield Odd(f"palette, {name}", content, palette[picks[..., 0]])
    for alpha in (0, 128):
        key = chunk(b"tRNS", bytes([255, 255, 255, alpha]))
        yield Odd(f"palette, {alpha}", png(picks, PALETTE, 4, plte(palette), key), said=said)
    stream = io.BytesIO()
    Image.fromarray(colour.astype(np.uint8)).save(stream, "WEBP", lossless=True, exact=True)
    yield Odd("WebP with alpha", stream.getvalue(), said=said)


# --- tags ---------------------------------------------------------------------------------------

UPRIGHT = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: x[::-1].swapaxes(0, 1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: lambda x: x.swapaxes(0, 1)[::-1],
}
"""By the standard: 6 says that the first row stored is the right side of what was seen."""


def tiff(*entries: tuple[int, int, int, bytes]) -> bytes:
    offset, body, data = 8 + 2 + 12 * len(entries) + 4, b"", b""
    for tag, kind, count, value in entries:
        field = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", offset + len(data))
        data += value if len(value) > 4 else b""
        body += struct.pack("<HHI", tag, kind, count) + field
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4) + data


def orientation(value: int) -> tuple[int, int, int, bytes]:
    return 0x0112, 3, 1, struct.pack("<HH", value, 0)


def with_orientation() -> Iterator[Odd]:
    pixels = drawn(5, 13, 7, 3).astype(np.uint8)
    for value, upright in UPRIGHT.items():
        exif = tiff(orientation(value))
        content = png(pixels, RGB, 8, chunk(b"eXIf", exif))
        yield Odd(f"PNG of orientation {value}", content, upright(pixels))
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "WEBP", lossless=True, exif=b"Exif\0\0" + exif)
        yield Odd(f"WebP of orientation {value}", stream.getvalue(), upright(pixels))
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=95, exif=b"Exif\0\0" + exif)
        right = upright(torchvision_jpeg(stream.getvalue()))
        yield Odd(f"JPEG of orientation {value}", stream.getvalue(), right)
    for value in (0, 9, 65535):
        content = png(pixels, RGB, 8, chunk(b"eXIf", tiff(orientation(value))))
        yield Odd(f"an orientation that there is not, {value}", content, pixels)


def with_odd_tags() -> Iterator[Odd]:
    """A turned photograph with one more tag, of each type of TIFF and of types that it has not."""
    pixels = drawn(6, 13, 7, 3).astype(np.uint8)
    right = UPRIGHT[6](pixels)
    values = (b"\0", b"\1\0\0\0", struct.pack("<II", 1, 1), struct.pack("<II", 1, 0))
    for tag in (0x0100, 0x010F):
        for kind in range(14):
            value = values[kind % len(values)]
            exif = tiff((tag, kind, 1, value), orientation(6))
            content = png(pixels, RGB, 8, chunk(b"eXIf", exif))
            yield Odd(f"tag {tag:#x} of type {kind}", content, right)
    for name, one in {
        "gamma": chunk(b"gAMA", struct.pack(">I", 100_000)),
        "sRGB": chunk(b"sRGB", b"\0"),
        "size in metres": chunk(b"pHYs", struct.pack(">IIB", 1, 2, 1)),
        "a text": chunk(b"tEXt", b"Comment\0caf\xe9"),
        "a background": chunk(b"bKGD", struct.pack(">HHH", 0, 0, 0)),
        "a chunk of its own": chunk(b"abCd", b"anything"),
        "EXIF that is cut": chunk(b"eXIf", b"II*\0\x08\0\0\0\x09\0"),
        "EXIF that is none": chunk(b"eXIf", b"none"),
    }.items():
        yield Odd(f"PNG with {name}", png(pixels, RGB, 8, one), pixels)


# --- other formats, and what is damaged -----------------------------------------------------------


def torchvision_jpeg(content: bytes) -> Pixels:
    return _decoded(decode_jpeg, content)


def _decoded(decode: Any, content: bytes) -> Pixels:
    found = decode(torch.frombuffer(bytearray(content), dtype=torch.uint8), ImageReadMode.RGB)
    return found.permute(1, 2, 0).numpy()


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def of_other_formats() -> Iterator[Odd]:
    smooth = np.indices((16, 16)).sum(0) * 8
    pixels = np.stack([smooth, 255 - smooth, drawn(8, 16, 16)], 2).astype(np.uint8)
    colour, grey = Image.fromarray(pixels), Image.fromarray(pixels[..., 0])
    for name, image, options in (
        ("grey", grey, {"quality": 90}),
        ("whole colour", colour, {"quality": 95, "subsampling": 0}),
        ("half the colour", colour, {"quality": 75, "subsampling": 2}),
        ("progressive", colour, {"quality": 80, "progressive": True}),
        ("poor", colour, {"quality": 5}),
        ("with a profile", colour, {"quality": 90, "icc_profile": b"none"}),
        ("not in YCbCr", colour, {"quality": 90, "keep_rgb": True}),
    ):
        content = saved(image, "JPEG", **options)
        yield Odd(f"JPEG, {name}", content, torchvision_jpeg(content), name=b"odd.jpg")
    for quality in (10, 90):
        content = saved(colour, "WEBP", quality=quality)
        yield Odd(f"WebP of quality {quality}", content, _decoded(decode_webp, content))
    yield Odd("WebP, grey", saved(grey, "WEBP", lossless=True), as_rgb(pixels[..., 0]))
    more = {"save_all": True, "append_images": [Image.fromarray(255 - pixels)]}
    yield Odd("WebP, animated", saved(colour, "WEBP", **more), said="animated")
    yield Odd("PNG, animated", saved(colour, "PNG", **more), said="animated")
    content = saved(colour, "MPO", **more, quality=90)
    yield Odd("JPEG with a preview", content, torchvision_jpeg(content))
    yield Odd("JPEG, CMYK", saved(colour.convert("CMYK"), "JPEG"), said="CMYK")
    for kind in ("TIFF", "BMP", "GIF", "PPM", "AVIF"):
        yield Odd(f"{kind} called png", saved(colour, kind), said="none of PNG, JPEG, WEBP")
    whole = png(pixels, RGB, 8)
    wrong = whole[:45] + bytes([whole[45] ^ 255]) + whole[46:]
    cut = {"nothing": b"", "no picture": b"text", "a half": whole[: len(whole) // 2]}
    for name, content in (cut | {"a wrong byte": wrong}).items():
        yield Odd(f"damaged: {name}", content, said="cannot be read as a picture")
    jpeg = saved(colour, "JPEG")
    yield Odd("damaged: half a JPEG", jpeg[: len(jpeg) // 2], said="cannot be read as a picture")


# --- names --------------------------------------------------------------------------------------


def with_odd_names() -> Iterator[Odd]:
    pixels = drawn(9, 16, 16, 3).astype(np.uint8)
    content = png(pixels, RGB, 8)
    names = (
        *(b"caf\xe9.png", b"\xff\xfe.png", b"caf\xc3\xa9.png", b"\xf0\x9f\x90\x88.png"),
        *(b"a b.png", b"a\nb.png", b"100%25.png", b"-rf.png", b"a;b&c.png", b"a.b.png"),
        *(b"ODD.PNG", b"odd.PnG", b"odd.jpg", b"odd.jpeg", b"odd.JPG", b"odd.webp"),
        *(b"f\xe9/\xe9t\xe9.png", b"a/b/c/d.png", 251 * b"x" + b".png", b"odd.tif.png"),
    )
    for name in names:
        yield Odd(f"named {name!r}", content, pixels, name=name)
    for ending in (
        "bmp",
        "tif",
        "tiff",
        "gif",
        "jfif",
        "jpe",
        "avif",
        "npy",
        "txt",
        "png~",
        "PNG2",
    ):
        said = f"1 with the ending .{ending.lower()} (odd.{ending})"
        yield Odd(f"ending {ending}", content, said=said, name=f"odd.{ending}".encode())
    yield Odd("no ending", content, said="1 without an ending (odd)", name=b"odd")
    for name in (b".odd.png", b"._odd.png", b".png", b".checkpoints/odd.png"):
        first = name.split(b"/")[0].decode()
        yield Odd(f"named {name!r}", content, said=f"1 hidden ({first})", name=name)
