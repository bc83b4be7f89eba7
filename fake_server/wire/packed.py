"""Folders of fixtures that a wheel has as one file: `broken.tar.gz` for `broken`, which is a fifteenth of its size."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

SUFFIX = ".tar.gz"


def pack(folder: Path, archive: Path) -> None:
    """Write the files of a folder, none in folders of its own, into one; the same files always make the same bytes."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 9, raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as packed,
    ):
        for path in sorted(folder.iterdir()):
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            packed.addfile(member, io.BytesIO(path.read_bytes()))


@contextmanager
def unpacked(folder: Path, start: str = "") -> Iterator[Path]:
    """The folder while it is needed, or what was packed of it: the files whose names start so."""
    archive = archive_of(folder)
    if not archive.exists():
        yield folder
        return
    with TemporaryDirectory(prefix="openai-contract-kit-") as home, tarfile.open(archive) as packed:
        for member in packed:
            content = packed.extractfile(member)
            if content and member.name.startswith(start) and Path(member.name).name == member.name:
                Path(home, member.name).write_bytes(content.read())
        yield Path(home)


def archive_of(folder: Path) -> Path:
    """Where a wheel has the folder."""
    return folder.with_name(folder.name + SUFFIX)
