"""Files are written whole or not at all, whatever happens while they are."""

import errno
import io
import os
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from sklearn_timegen.io import atomic, atomic_write, check_target

OLD = b"what was there before\n" * 100
# Writes versions of a file until it is killed; each is of one letter, and of 300,000 of them.
WRITER = """
import itertools, sys
from sklearn_timegen.io.atomic import atomic_write
print("ready", flush=True)
for letter in itertools.cycle("abcd"):
    with atomic_write(sys.argv[1], "ascii") as stream:
        for _ in range(300):
            stream.write(letter * 1_000)
"""


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_killed_at_any_moment_nothing_old_is_lost(tmp_path):
    target = tmp_path / "table.csv"
    target.write_bytes(OLD)
    rng = np.random.default_rng()
    held = []
    for seconds in rng.uniform(0, 0.03, 10):
        command = [sys.executable, "-c", WRITER, str(target)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.kill()
        process.wait()
        process.stdout.close()
        text = target.read_bytes()
        whole = len(text) == 300_000 and len(set(text)) == 1 and text[:1] in b"abcd"
        assert text == OLD or whole
        held.append(text)
    assert any(text != OLD for text in held) or len(left_in(tmp_path)) > 1, "nothing was written"


class Full(io.FileIO):
    """A file on a disk that has room for ``room`` bytes."""

    def write(self, data):
        if len(data) > self.room:
            super().write(data[: self.room])
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(data)
        return super().write(data)


@pytest.mark.parametrize("room", [0, 1, 999, 1_000, 2_500])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, room):
    target = tmp_path / "table.csv"
    target.write_bytes(OLD)
    create = atomic._create_beside

    def with_little_room(target):
        stream, temporary = create(target)
        stream.close()
        full = Full(temporary, "wb")
        full.room = room
        return full, temporary

    monkeypatch.setattr(atomic, "_create_beside", with_little_room)

    def write():
        with atomic_write(target) as stream:
            for _ in range(3):
                stream.write(b"x" * 1_000)

    with pytest.raises(OSError, match=r"No space left on device.*table\.csv"):
        write()
    assert target.read_bytes() == OLD
    assert left_in(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path, error):
    target = tmp_path / "table.csv"
    target.write_bytes(OLD)

    def write():
        with atomic_write(target, "utf-8") as stream:
            stream.write("half of it")
            raise error

    with pytest.raises(error):
        write()
    assert target.read_bytes() == OLD
    assert left_in(tmp_path) == ["table.csv"]


def test_permissions_are_kept_and_links_followed(tmp_path):
    target, link = tmp_path / "data" / "table.csv", tmp_path / "link.csv"
    target.parent.mkdir()
    target.write_bytes(OLD)
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_write(link, "utf-8") as stream:
        stream.write("new\n")
    assert link.is_symlink()
    assert target.read_text() == "new\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    with atomic_write(tmp_path / "fresh.csv") as stream:
        stream.write(b"1")
    (tmp_path / "usual.csv").write_bytes(b"1")
    modes = {stat.S_IMODE((tmp_path / f"{n}.csv").stat().st_mode) for n in ("fresh", "usual")}
    assert len(modes) == 1, "a new file has the permissions that other new files have"
    dangling = tmp_path / "dangling.csv"
    dangling.symlink_to(tmp_path / "later.csv")
    with atomic_write(dangling, "utf-8") as stream:
        stream.write("later")
    assert (tmp_path / "later.csv").read_text() == "later"


def test_targets_are_checked_before_any_work(tmp_path, monkeypatch):
    source, link, hard = (tmp_path / name for name in ("real.csv", "link.csv", "hard.csv"))
    source.write_bytes(OLD)
    link.symlink_to(source)
    os.link(source, hard)
    for same in (source, link, hard, tmp_path / "." / "real.csv"):
        with pytest.raises(ValueError, match="is the file .*that is read"):
            check_target(same, (".csv",), inputs=[source])
        assert check_target(same, (".csv",), inputs=[source], overwrite=True) == same
    other = tmp_path / "other.csv"
    assert check_target(other, (".csv",), inputs=[source]) == other
    assert not other.exists()
    with pytest.raises(ValueError, match=r"must end in one of \.csv"):
        check_target(tmp_path / "other.doc", (".csv",))
    with pytest.raises(FileNotFoundError, match="no directory"):
        check_target(tmp_path / "nowhere" / "other.csv", (".csv",))
    with (
        pytest.raises(FileNotFoundError, match=r"no directory .*nowhere to write other\.csv"),
        atomic_write(tmp_path / "nowhere" / "other.csv"),
    ):
        pass
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(IsADirectoryError, match="is a directory"):
        check_target(tmp_path / "folder.csv", (".csv",))
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(OSError, match="no regular file"):
        check_target(tmp_path / "pipe.csv", (".csv",))
    assert left_in(tmp_path) == ["folder.csv", "hard.csv", "link.csv", "pipe.csv", "real.csv"]

    def refuse(*args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(OSError, match="nothing can be written to .*: Permission denied"):
        check_target(other, (".csv",))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="write-protected"):
        check_target(source, (".csv",))
