"""The file of an upload: the only part of a form that matters here, or the whole body."""

from __future__ import annotations

from email.message import Message

from cockpitpm.sandbox.forge.repository import Conflict


def uploaded(content_type: str, body: bytes) -> tuple[str, bytes]:
    """Name (empty for bare bytes) and bytes. Raises Conflict for a form without a file `attachment`."""
    kind = _header(content_type)
    if kind.get_content_type() != "multipart/form-data":
        return "", body
    boundary = kind.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise Conflict(400, "no multipart boundary param in Content-Type")
    for part in body.split(b"--" + boundary.encode())[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        disposition = _disposition(head)
        if disposition.get_param("name", header="content-disposition") == "attachment":
            return str(disposition.get_filename("")), data.removesuffix(b"\r\n")
    raise Conflict(400, "http: no such file")


def _disposition(head: bytes) -> Message:
    message = Message()
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            message["Content-Disposition"] = value.strip()
    return message


def _header(content_type: str) -> Message:
    message = Message()
    message["Content-Type"] = content_type or "application/octet-stream"
    return message
