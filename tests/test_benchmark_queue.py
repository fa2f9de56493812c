"""The queue of cells, on a tiny table in a folder of its own."""

import sys

import pytest

from benchmarks import queue

SOURCE = """
import os
from pathlib import Path

from benchmarks.cells import Table

FOLDER = Path(__file__).parent / "results" / "tiny"
VERSION = 1


def log(name):
    with open(FOLDER.parent / "log", "a") as stream:
        stream.write(name + "\\n")


def do(name):
    log(name)
    if name == "fails":
        raise ValueError("it cannot be done")
    if name == "dies":
        os._exit(3)
    if name == "lacks":
        raise ImportError("no such package")
    return {"value": len(name), "threads": os.environ["OMP_NUM_THREADS"]}


def work():
    for name in ("good", "fails", "dies", "lacks"):
        yield "part", name, lambda name=name: do(name)


TABLE = Table("tiny_cells", FOLDER, work, lambda done: f"{sorted(done['part'])}")
"""


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    module = tmp_path / "tiny_cells.py"
    module.write_text(SOURCE)
    (tmp_path / "results").mkdir()
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tiny_cells", raising=False)
    yield tmp_path
    sys.modules.pop("tiny_cells", None)


def order(minutes=1.0):
    return (("tiny_cells", "*", minutes),)


def test_it_does_what_is_missing_records_failures_and_goes_on_where_it_was(tiny):
    tried = queue.run(order())
    assert [cell.key for cell in tried] == ["good", "fails", "dies", "lacks"]
    kept = tried[0].table.read("part")
    assert kept["good"] == {"value": 4, "threads": "1"}
    assert kept["fails"]["error"] == "ValueError: it cannot be done"
    assert kept["dies"]["error"] == "the process ended with 3"
    assert kept["lacks"] == {"left out": "ImportError: no such package"}
    assert "good" in (tiny / "results" / "tiny.md").read_text()
    left = {cell.key: (cell.why, cell.waits) for cell in queue.missing(order())}
    assert left == {
        "fails": ("ValueError: it cannot be done", True),
        "dies": ("the process ended with 3", True),
        "lacks": ("ImportError: no such package", False),
    }
    (tiny / "tiny_cells.py").write_text(SOURCE.replace("VERSION = 1", "VERSION = 2"))
    assert not any(cell.waits for cell in queue.missing(order()))


def test_what_is_left_out_is_tried_each_time_and_never_a_failure(tiny):
    for _ in range(2):
        tried = queue.run(order(), only=["* / lacks"])
        kept = tried[0].table.read("part")
        assert kept == {"lacks": {"left out": "ImportError: no such package"}}
    assert (tiny / "results" / "log").read_text() == "lacks\n" * 2


def test_a_process_that_ends_well_and_keeps_nothing_has_failed(tiny):
    (tiny / "tiny_cells.py").write_text(SOURCE.replace("os._exit(3)", "os._exit(0)"))
    tried = queue.run(order(), only=["* / dies"])
    assert tried[0].table.read("part")["dies"]["error"] == "the process kept nothing"


def test_what_failed_waits_for_other_code_or_to_be_asked_again(tiny, monkeypatch):
    tried = []
    monkeypatch.setattr(queue, "_in_own_process", lambda cell: tried.append(cell.key))
    for cell in queue.missing(order()):
        error = {"error": "it failed", "code": queue._code_of("tiny_cells")}
        cell.table.keep("part", cell.key, error if cell.key == "fails" else {"value": 1})
    queue.run(order())
    assert tried == []
    queue.run(order(), again=True)
    assert tried == ["fails"]
    (tiny / "tiny_cells.py").write_text(SOURCE.replace("VERSION = 1", "VERSION = 2"))
    queue.run(order())
    assert tried == ["fails", "fails"]


def test_a_failure_takes_no_older_result_away(tiny):
    (cell,) = (cell for cell in queue.missing(order()) if cell.key == "dies")
    cell.table.keep("part", "dies", {"old column": 5})
    needing = (
        (tiny / "tiny_cells.py").read_text().replace("'part'])}\")", "'part'])}\", ('value',))")
    )
    (tiny / "tiny_cells.py").write_text(needing)
    sys.modules.pop("tiny_cells")
    queue.run(order(), only=["* / dies"])
    kept = cell.table.read("part")["dies"]
    assert kept["old column"] == 5
    assert kept["tried since"]["error"] == "the process ended with 3"
    assert [c.waits for c in queue.missing(order()) if c.key == "dies"] == [True]


def test_it_stops_in_time(tiny):
    assert queue.run(order(minutes=2.0), minutes=1.0) == []
    assert not (tiny / "results" / "log").exists()


def test_a_cell_that_takes_too_long_is_stopped_and_recorded(tiny, monkeypatch):
    busy = SOURCE.replace("    log(name)\n", "    while True:\n        pass\n")
    (tiny / "tiny_cells.py").write_text(busy)
    monkeypatch.setattr(queue, "SLACK", 0.1)  # six seconds, in which it is loaded
    tried = queue.run(order(), only=["* / good"])
    assert tried[0].table.read("part")["good"]["error"] == "not done after 0.1 minutes"


def test_a_cell_that_does_nothing_is_stopped_by_the_clock(tiny, monkeypatch):
    monkeypatch.setattr(queue, "IDLE", 0.0)
    tried = queue.run(order(), only=["* / good"])
    assert tried[0].table.read("part")["good"]["error"] == "not done after 3 minutes"


def test_all_cells_of_the_recorded_tables_have_a_place_in_the_order():
    listed = {(cell.table.module, cell.part, cell.key) for cell in queue.missing()}
    modules = dict.fromkeys(module for module, _, _ in queue.ORDER)
    for module in modules:
        table = sys.modules[module].TABLE
        assert table.module == module
        for part, key, _ in table.work():
            done = table.is_done(table.read(part).get(key))
            assert done != ((module, part, key) in listed)
