"""Reload script files, and the files that they send, when they change, while the server keeps serving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from fake_server.scripts.book import ScriptBook, ScriptError, load
from fake_server.scripts.yaml_lines import find

EVERY = 0.5
"""Seconds between two checks."""

Stamp = tuple[tuple[str, int, int], ...]


class Watch:
    """Checks files and folders for changes in a thread of its own, from `start` until `stop`.

    `book` was loaded from them; the files that it names are checked too. When something has changed, the new
    book goes to `use` and a message to `say`. If the scripts have errors, the message says which, once, and
    the book in use stays.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        book: ScriptBook,
        use: Callable[[ScriptBook], None],
        say: Callable[[str], None],
    ) -> None:
        self._paths, self._use, self._say = paths, use, say
        self._files = book.files
        self._broken = False
        self._stopped = threading.Event()
        self._stamp = self._take_stamp()
        self._thread = threading.Thread(target=self._run, name="script-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)

    def check(self) -> bool:
        """Check once, and reload what has changed; returns whether anything had."""
        stamp = self._take_stamp(self._broken)
        if stamp == self._stamp:
            return False
        try:
            book = load(self._paths)
        except (ScriptError, OSError) as error:
            self._broken, self._stamp = True, self._take_stamp(broken=True)
            self._say(f"keeping the scripts in use, because the changed ones cannot be read:\n{error}")
            return True
        self._files, self._broken = book.files, False
        self._stamp = self._take_stamp()
        self._use(book)
        self._say(f"reloaded {len(book)} script{'' if len(book) == 1 else 's'}")
        for warning in book.warnings:
            self._say(warning)
        return True

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            self.check()

    def _take_stamp(self, broken: bool = False) -> Stamp:
        """Each file with its modification time and size.

        While the scripts have errors the folders count too, as a file may be what is missing.
        """
        found: list[Path] = []
        for path in self._paths:
            with suppress(ScriptError, OSError):
                found += find([path])
        folders = dict.fromkeys(path.parent for path in found) if broken else ()
        stamps = []
        for file in (*found, *sorted(self._files), *folders):
            with suppress(OSError):
                status = file.stat()
                stamps.append((str(file), status.st_mtime_ns, status.st_size))
        return tuple(stamps)
