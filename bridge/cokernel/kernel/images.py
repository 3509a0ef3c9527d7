"""Images in mime bundles: what they are, and scaling them down to what an agent can take.

The data comes from code that anyone may have written: the header is checked before anything is decoded, and whatever
Pillow makes of a broken file becomes `BrokenImageError`. Pillow is imported when the first image comes.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from cokernel.kernel.plaintext import size_words

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_MAX_PIXELS = 64_000_000
"""More are not decoded: 64 million pixels take 256 MB."""
_HEADER_CHARS = 131_072
"""Base64 characters that hold the header of any but the oddest file; a multiple of four."""
_SHRINK = 0.7
_SMALLEST_SIDE = 64

# Not one common base: Pillow's readers let the errors of their parsing code through.
_PILLOW_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


class BrokenImageError(Exception):
    """The data is not an image that can be shown; the message says why, in a few words."""


class FittedImage(NamedTuple):
    """An image inside its budget."""

    mime: str
    data: str
    """Base64."""
    width: int
    height: int
    scaled: bool
    """Whether it is smaller than, or encoded otherwise than, what the kernel sent."""


def image_label(mime: str, data: str) -> str:
    """Such as `640×480 png, 21 kB`; costs the header only."""
    kind = f"{mime.removeprefix('image/')}, {size_words(len(data) * 3 // 4)}"
    try:
        width, height = _size(mime, data)
    except BrokenImageError as error:
        return f"{kind}, {error}"
    return f"{width}×{height} {kind}"


def fit_image(mime: str, data: str, *, longest_side: int, max_chars: int) -> FittedImage:
    """The image with at most so many pixels a side and so many base64 characters; unchanged if it is so already.

    May take a second of CPU: meant for a worker thread.

    Raises
    ------
    BrokenImageError
        it cannot be decoded, is too large to decode, or cannot be made small enough.
    """
    width, height = _size(mime, data)
    if max(width, height) <= longest_side and len(data) <= max_chars:
        return FittedImage(mime, data, width, height, scaled=False)
    if width * height > _MAX_PIXELS:
        raise BrokenImageError("has too many pixels to show")
    try:
        picture = _decoded(mime, data, longest_side)
        return _encoded_within(picture, max_chars)
    except _PILLOW_ERRORS as error:
        raise BrokenImageError("cannot be decoded") from error


def _size(mime: str, data: str) -> tuple[int, int]:
    try:
        return _opened(mime, data[:_HEADER_CHARS]).size
    except BrokenImageError:
        if len(data) <= _HEADER_CHARS:
            raise
        return _opened(mime, data).size


def _opened(mime: str, data: str) -> ImageFile:
    """The image with its header read and nothing decoded.

    Goes around `Image.open`, which warns of large images by a process-wide switch; the size is checked here.
    """
    from PIL.GifImagePlugin import GifImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.WebPImagePlugin import WebPImageFile

    readers: dict[str, Callable[[io.BytesIO], ImageFile]] = {
        "image/png": PngImageFile,
        "image/jpeg": JpegImageFile,
        "image/gif": GifImageFile,
        "image/webp": WebPImageFile,
    }
    try:
        opened = readers[mime](io.BytesIO(base64.b64decode(data)))
    except binascii.Error as error:
        raise BrokenImageError("is not base64") from error
    except _PILLOW_ERRORS as error:
        raise BrokenImageError("is broken") from error
    return opened


def _decoded(mime: str, data: str, longest_side: int) -> Image:
    from PIL.Image import Resampling

    picture: Image = _opened(mime, data)
    picture.load()
    if picture.mode not in ("RGB", "RGBA", "L"):
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    picture.thumbnail((longest_side, longest_side), Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def _encoded_within(picture: Image, max_chars: int) -> FittedImage:
    """PNG if that is small enough, for it keeps lines and letters sharp; else WebP, smaller and smaller."""
    encoded = _encoded(picture, "PNG")
    while len(encoded.data) > max_chars:
        encoded = _encoded(picture, "WEBP")
        if len(encoded.data) <= max_chars:
            break
        width, height = (max(1, round(side * _SHRINK)) for side in picture.size)
        if max(width, height) < _SMALLEST_SIDE:
            raise BrokenImageError("cannot be made small enough")
        picture = picture.resize((width, height))
    return encoded


def _encoded(picture: Image, form: str) -> FittedImage:
    file = io.BytesIO()
    if form == "PNG":
        picture.save(file, "PNG")
    else:
        picture.save(file, "WEBP", quality=80, method=3)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return FittedImage(f"image/{form.lower()}", data, *picture.size, scaled=True)
