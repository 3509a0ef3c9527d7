"""The images of one call: each is decoded once, when it is to be laid out.

A figure of a few megapixels takes a thirtieth of a second, and a document is written anew with each that comes.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from qtpy.QtCore import QBuffer, QByteArray, QIODevice, QSize
from qtpy.QtGui import QImage, QImageReader

from cokernel.host import DisplayOutput

BASE64_MIMES = ("image/png", "image/jpeg")
SVG = "image/svg+xml"


@dataclass(frozen=True)
class _Image:
    data: str
    """As on the wire."""
    size: QSize


class Images:
    """Named in the order in which they are added. What was decoded once is kept while the same call is shown."""

    def __init__(self) -> None:
        self._images: dict[str, _Image] = {}
        self._decoded: dict[str, QImage] = {}

    def begin(self) -> None:
        """The document is written anew, mostly with the same images."""
        self._images.clear()

    def clear(self) -> None:
        """Another call is shown."""
        self._images.clear()
        self._decoded.clear()

    def add(self, output: DisplayOutput) -> str:
        """The name of an output's image; empty if it has none that can be shown."""
        found = self._first_of(output)
        if found is None:
            return ""
        name = f"output-{len(self._images)}"
        self._images[name] = found
        return name

    def size(self, name: str) -> QSize:
        """In pixels."""
        return self._images[name].size

    def get(self, name: str) -> QImage | None:
        """None if there is no image of this name."""
        image = self._images.get(name)
        if image is None:
            return None
        if image.data not in self._decoded:
            self._decoded[image.data] = QImage.fromData(_bytes(image.data))
        return self._decoded[image.data]

    def _first_of(self, output: DisplayOutput) -> _Image | None:
        for mime in (*BASE64_MIMES, SVG):
            data = output.data.get(mime, "")
            size = _size(data) if data else QSize()
            if not size.isEmpty():
                return _Image(data, size)
        return None


def _size(data: str) -> QSize:
    """From its head; empty if it is no image."""
    buffer = QBuffer()
    buffer.setData(QByteArray(_bytes(data)))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    return QImageReader(buffer).size()


def _bytes(data: str) -> bytes:
    if data.lstrip().startswith("<"):
        return data.encode()
    try:
        return base64.b64decode(data)
    except binascii.Error:
        return b""
