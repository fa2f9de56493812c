"""Files that are written whole or not at all."""

from __future__ import annotations

import io
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sklearn_timegen._remedies import InputError, Parameter

__all__ = ["atomic_write", "check_target"]

StrPath = str | Path


@contextmanager
def atomic_write(path: StrPath, encoding: str | None = None) -> Iterator[IO[Any]]:
    """Open a file for writing that takes the place of another only when it is complete.

    What is written goes into a temporary file beside the target, which is renamed once all of it
    is on the disk. Whatever happens before - an error, a full disk, a kill - leaves what stood
    there as it was. A file that is replaced hands its permissions on; of a symbolic link the file
    that it leads to is replaced, and not the link.

    Parameters
    ----------
    path : str or Path
        The target.
    encoding : str or None, default=None
        Of text; ``None`` opens for bytes. Line ends are written as they are given.

    Yields
    ------
    stream : file object
        Where to write to.

    Raises
    ------
    OSError
        If the target is no regular file, its directory does not exist, or it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_timegen.io import atomic_write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "figures.txt")
    ...     with atomic_write(path, "utf-8") as stream:
    ...         written = stream.write("1 2 3")
    ...     path.read_text()
    '1 2 3'
    """
    target = _resolve(path)
    try:
        stream, temporary = _create_beside(target)
        try:
            with _as_text(stream, encoding) as out:
                yield out
                out.flush()
                if target.exists():
                    os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(target.parent)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_target(
    path: StrPath,
    suffixes: tuple[str, ...],
    *,
    inputs: Iterable[StrPath] = (),
    overwrite: bool = False,
) -> Path:
    """Refuse, before any work, a path that could not or should not be written to.

    Parameters
    ----------
    path : str or Path
        The target.
    suffixes : tuple of str
        Endings that it may have.
    inputs : iterable of str or Path, default=()
        Files that are read, and must not be lost.
    overwrite : bool, default=False
        Whether an input may be overwritten nevertheless.

    Returns
    -------
    path : Path
        The target.

    Raises
    ------
    ValueError
        If it has another ending, or is one of the inputs, under whatever name.
    OSError
        If it is no regular file, its directory does not exist, or nothing can be written there.

    Examples
    --------
    >>> from sklearn_timegen.io import check_target
    >>> check_target("report.html", (".html",)).name
    'report.html'
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"{path} must end in one of {', '.join(suffixes)}")
    target = _resolve(path)
    same = [name for name in inputs if _is_same(target, name)]
    if same and not overwrite:
        raise InputError(
            f"{path} is the file {same[0]} that is read: write to another, or let it be "
            "overwritten by ",
            Parameter("overwrite"),
        )
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{path} is there already and write-protected: write to another")
    try:
        stream, temporary = _create_beside(target)
        stream.close()
        temporary.unlink()
    except OSError as error:
        raise OSError(f"nothing can be written to {target.parent}: {error.strerror}") from error
    return path


def _resolve(path: StrPath) -> Path:
    """Return the file that a path leads to; there may be none yet."""
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        given = Path(path)
        raise FileNotFoundError(f"there is no directory {given.parent} to write {given.name} to")
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a directory: name a file in it")
    if target.exists() and not target.is_file():
        raise OSError(f"{path} is no regular file, and cannot be replaced: name another")
    return target


def _create_beside(target: Path) -> tuple[IO[bytes], Path]:
    """Return a new file of the permissions that the user's files have."""
    # Names of files end at 255 bytes; what is hidden is not taken for a result.
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    return open(temporary, "xb"), temporary


def _as_text(stream: IO[bytes], encoding: str | None) -> IO[Any]:
    return stream if encoding is None else io.TextIOWrapper(stream, encoding, newline="")


def _is_same(target: Path, other: StrPath) -> bool:
    other = Path(os.path.realpath(other))
    if target == other:
        return True
    return target.exists() and other.exists() and target.samefile(other)


def _sync_directory(folder: Path) -> None:
    """Let the new name outlast a power failure, where directories can be opened (POSIX)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
