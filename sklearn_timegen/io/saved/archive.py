"""The file: a zip of a manifest, a tree and arrays, which has to be exactly that."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sklearn_timegen.io.atomic import atomic_write
from sklearn_timegen.io.saved.errors import FileRefused

__all__ = ["read_manifest", "read_members", "write_archive"]

FORMAT = "sklearn-timegen"
FORMAT_VERSION = 1
MANIFEST, TREE, ARRAYS = "manifest.json", "state.json", "arrays.safetensors"
MEMBERS = (MANIFEST, TREE, ARRAYS)

LARGEST_MANIFEST = 16 * 2**20
LARGEST_TREE = 512 * 2**20
LARGEST_RATIO = 200  # text of JSON comes down to a thirtieth; a bomb, to a thousandth

# What reading a zip file that is damaged may raise; UnicodeDecodeError is for names of members.
BROKEN = (
    FileRefused,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    UnicodeDecodeError,
)


def write_archive(path: str | Path, manifest: dict[str, Any], tree: Any, arrays: bytes) -> None:
    """Write the file, whole or not at all; the manifest is told of the other members."""
    text = _to_json(tree)
    members = {TREE: text, ARRAYS: arrays}
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
    }
    whole = {"format": FORMAT, "format_version": FORMAT_VERSION, **manifest, "members": listed}
    whole["sha256"] = _digest(whole)
    with atomic_write(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        written = {MANIFEST: _to_json(whole, indent=1), **members}
        for name, data in written.items():
            # Of one date, so that equal estimators make equal files.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            kind = zipfile.ZIP_STORED if name == ARRAYS else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compress_type=kind)


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Return the manifest of a file, if the file is one of ours and of a version known here."""
    with _opened(path) as archive:
        return _manifest(archive)


def read_members(path: str | Path) -> tuple[dict[str, Any], Any, bytes]:
    """Return manifest, tree and arrays, as they were written."""
    with _opened(path) as archive:
        manifest = _manifest(archive)
        listed = manifest.get("members")
        if not isinstance(listed, dict) or set(listed) != {TREE, ARRAYS}:
            raise FileRefused("its manifest does not list its members")
        text = _member(archive, TREE, LARGEST_TREE, listed[TREE])
        arrays = _member(archive, ARRAYS, os.stat(path).st_size, listed[ARRAYS])
        return manifest, _from_json(text, TREE), arrays


@contextmanager
def _opened(path: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file of our members, and of nothing else; say with its path what is wrong."""
    try:
        with open(path, "rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise FileRefused(
                    "it is no file of save, which writes zips; what joblib or pickle has written, "
                    "these read, and execute whatever is in it"
                )
            with zipfile.ZipFile(stream) as archive:
                _check_members(archive)
                yield archive
    except BROKEN as error:
        raise FileRefused(f"{path} is refused: {error}") from error


def _check_members(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if sorted(names) != sorted(MEMBERS):
        odd = sorted(set(names) - set(MEMBERS)) or sorted(names)
        raise FileRefused(
            f"it holds the members {odd[:3]}, where each of {', '.join(MEMBERS)} is due once"
        )
    if any(entry.header_offset < 0 for entry in entries):
        raise FileRefused("its list of members points to before its beginning")


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest = _from_json(_member(archive, MANIFEST, LARGEST_MANIFEST), MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise FileRefused(f"its manifest is none of {FORMAT}")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        writer = manifest.get("package_version")
        raise FileRefused(
            f"its format has the version {version!r}, and this package reads {FORMAT_VERSION}: "
            f"load it with {FORMAT} {writer}, which has written it"
        )
    stated = manifest.pop("sha256", None)
    if stated != _digest(manifest):
        raise FileRefused("its manifest was altered: its SHA-256 is not the one that it states")
    return manifest


def _member(
    archive: zipfile.ZipFile, name: str, largest: int, listed: dict[str, Any] | None = None
) -> bytes:
    entry = archive.getinfo(name)
    if entry.flag_bits & 0x1:
        raise FileRefused(f"{name} is encrypted")
    packed = name != ARRAYS
    if entry.compress_type != (zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED):
        raise FileRefused(f"{name} is packed in another way than this package packs it")
    bomb = entry.file_size > LARGEST_RATIO * max(entry.compress_size, 1000)
    if entry.file_size > largest or bomb:
        raise FileRefused(
            f"{name} says that {entry.compress_size} bytes unpack to {entry.file_size}, which is "
            "more than such a file has"
        )
    with archive.open(entry) as stream:
        data = stream.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise FileRefused(f"{name} has another size than it says")
    if listed is not None:
        found = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        if listed != found:
            raise FileRefused(f"{name} was altered: its SHA-256 is not that of the manifest")
    return data


def _to_json(value: Any, **how: Any) -> bytes:
    return json.dumps(value, allow_nan=False, ensure_ascii=True, **how).encode()


def _from_json(data: bytes, name: str) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except RecursionError as error:
        raise FileRefused(f"{name} has values within each other too deep to be read") from error
    except ValueError as error:
        raise FileRefused(f"{name} is no proper JSON: {error}") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an entry is there twice")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON's")


def _digest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(_to_json(manifest, sort_keys=True)).hexdigest()
