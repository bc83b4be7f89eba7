"""Script files, and the files they send, are read again when they change, while the server answers on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from fake_server.scripts.book import ScriptBook, ScriptError, load
from fake_server.scripts.yaml_lines import find

EVERY = 0.5
"""Seconds between two looks."""

Stamp = tuple[tuple[str, int, int], ...]


class Watch:
    """Looks at the files and folders in a thread of its own, from `start` until `stop`.

    `book` is what was read from them: the files that it names are looked at too. A changed set of files
    that can be read is handed to `use`; what is wrong with one that cannot, and that new ones are in use,
    goes to `say` once, and the book that was in use stays.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        book: ScriptBook,
        use: Callable[[ScriptBook], None],
        say: Callable[[str], None],
    ) -> None:
        self._paths, self._use, self._say = paths, use, say
        self._sent = book.files
        self._broken = False
        self._stopped = threading.Event()
        self._stamp = self._look()
        self._thread = threading.Thread(target=self._run, name="script-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(5)

    def look(self) -> bool:
        """Look once; whether the files had changed."""
        stamp = self._look(self._broken)
        if stamp == self._stamp:
            return False
        try:
            book = load(self._paths)
        except (ScriptError, OSError) as error:
            self._broken, self._stamp = True, self._look(broken=True)
            self._say(f"the scripts in use stay, because the changed ones cannot be read:\n{error}")
            return True
        self._sent, self._broken = book.files, False
        self._stamp = self._look()
        self._use(book)
        self._say(f"{len(book)} script{'' if len(book) == 1 else 's'} read again")
        for warning in book.warnings:
            self._say(warning)
        return True

    def _run(self) -> None:
        while not self._stopped.wait(EVERY):
            self.look()

    def _look(self, broken: bool = False) -> Stamp:
        """Each file with its time of change and size; a folder that has none has no stamp.

        After scripts that cannot be read the folders count too, where a file may be what is missing.
        """
        found: list[Path] = []
        for path in self._paths:
            with suppress(ScriptError, OSError):
                found += find([path])
        folders = dict.fromkeys(path.parent for path in found) if broken else ()
        stamps = []
        for file in (*found, *sorted(self._sent), *folders):
            with suppress(OSError):
                told = file.stat()
                stamps.append((str(file), told.st_mtime_ns, told.st_size))
        return tuple(stamps)
