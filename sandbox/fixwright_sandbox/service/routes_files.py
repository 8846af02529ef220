"""Files of a sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from fixwright_sandbox import InvalidTreeError

from .accounts import check_files
from .answers import FileAnswer, FilesAnswer, file_answer
from .needed import TheAccount, TheHeld
from .problems import invalid, not_found

router = APIRouter(prefix="/v1/sandboxes/{sandbox}/files", tags=["files"])
BYTES = "application/octet-stream"
_PIECE = 1 << 16
FilePath = Annotated[str, Path(max_length=4096, description="Relative, with slashes.")]


class Bytes(Response):
    """A file's content: as it is, and never shown by a browser."""

    media_type = BYTES


def contents(data: bytes) -> StreamingResponse:
    """Bytes in pieces, at the reader's pace."""

    async def pieces() -> AsyncIterator[memoryview]:
        view = memoryview(data)
        for start in range(0, len(view), _PIECE):
            yield view[start : start + _PIECE]

    headers = {
        "Content-Length": str(len(data)),
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces(), media_type=BYTES, headers=headers)


@router.get("")
async def list_files(
    held: TheHeld, under: Annotated[str, Query(max_length=4096, description="A folder.")] = ""
) -> FilesAnswer:
    """The files, or those below a folder."""
    found = await held.workspace.files(under.rstrip("/"))
    return FilesAnswer(files=[file_answer(each) for each in found])


@router.put(
    "/{path:path}",
    openapi_extra={
        "requestBody": {"content": {BYTES: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def upload_file(
    path: FilePath,
    request: Request,
    held: TheHeld,
    account: TheAccount,
    executable: Annotated[bool, Query(description="A program.")] = False,
) -> FileAnswer:
    """Write a file, in place of one of that path. The body is its content."""
    content = bytearray()
    async for piece in request.stream():
        content += piece
    account.check_room(len(content))
    check_files(len(held.workspace.tree) + (path not in held.workspace.tree))
    try:
        await held.workspace.write(path, bytes(content), executable=executable)
    except InvalidTreeError as error:
        raise invalid(str(error), "path") from error
    return FileAnswer(path=path, size=len(content), executable=executable)


@router.get("/{path:path}", response_class=Bytes)
async def download_file(path: FilePath, held: TheHeld) -> Response:
    """A file's content."""
    try:
        return contents(await held.workspace.read(path))
    except FileNotFoundError as error:
        raise not_found("file", "path") from error


@router.delete("/{path:path}", status_code=204)
async def remove_file(path: FilePath, held: TheHeld) -> None:
    """Remove a file, or a folder with all in it."""
    try:
        if not path:
            raise FileNotFoundError
        await held.workspace.remove(path)
    except FileNotFoundError as error:
        raise not_found("file", "path") from error
