"""Serving the built front end at ``/workflows/ui/``.

The files contain no data, so they are served to everybody; the data comes from the API, which authenticates each
request.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

STATIC: Final = Path(__file__).parent / "static"
"""Where the build puts the files (``scripts/build_ui.py``)."""

PREFIX: Final = "/ui/"
"""Their address, below the application's."""

_FOREVER: Final = "public, max-age=31536000, immutable"
_A_WHILE: Final = "public, max-age=3600"


@dataclass(frozen=True)
class Bundle:
    """A built front end.

    :param main: the file that Airflow loads; its name has the hash of its content, as ``editor``'s has
    :param editor: the file that is loaded when somebody edits
    :param files: everything that browsers may have, by name; kept in memory, so that a newer build beside a running
        server changes nothing of what it serves
    """

    main: str
    editor: str
    files: Mapping[str, bytes] = field(repr=False)

    def file(self, name: str) -> tuple[bytes, str] | None:
        """Return content and cache policy of a file; null for what there is not."""
        if name not in self.files:
            return None
        return self.files[name], _FOREVER if name in {self.main, self.editor} else _A_WHILE


def read_bundle(folder: Path = STATIC) -> Bundle | None:
    """Return the built front end; null where it was not built."""
    try:
        names = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in {".js", ".svg"}}
    return Bundle(names["main"], names["editor"], files)


class StaticFiles:
    """ASGI middleware that serves what is below ``/ui/`` and passes on everything else.

    :param app: what everything else is for
    :param bundle: the files; without them nothing is found
    """

    def __init__(self, app: ASGIApp, bundle: Bundle | None) -> None:
        self._app = app
        self._bundle = bundle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or not path.startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        await self._response(path.removeprefix(PREFIX))(scope, receive, send)

    def _response(self, name: str) -> Response:
        found = self._bundle.file(name) if self._bundle is not None else None
        if found is None:
            return PlainTextResponse("There is no such file", status_code=404)
        content, policy = found
        media_type, _ = mimetypes.guess_type(name)
        return Response(
            content,
            media_type=media_type or "application/octet-stream",
            headers={"Cache-Control": policy, "X-Content-Type-Options": "nosniff"},
        )
