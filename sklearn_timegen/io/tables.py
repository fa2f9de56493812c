"""Tables in files of several formats, read so that others can be written in the same form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import numpy as np

from sklearn_timegen._remedies import InputError, Parameter
from sklearn_timegen.data.tables.dates import time_written
from sklearn_timegen.io.arrays import ArrayForm, read_array
from sklearn_timegen.io.atomic import atomic_write
from sklearn_timegen.io.text import TextForm, read_text
from sklearn_timegen.io.understanding import Understanding, understand

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SUFFIXES", "Table", "read_table"]

TEXT = {".csv": None, ".tsv": "\t", ".txt": None}  # the separator that an ending stands for
PARQUET = (".parquet", ".pq")
ARRAYS = (".npy", ".npz")
SUFFIXES = (*TEXT, *PARQUET, *ARRAYS)
# What files of other formats begin with, and what to do about them.
SIGNATURES = {
    b"PK\x03\x04": ("an archive (.npz), or an Excel workbook: save that as CSV", (".npz",)),
    b"PK\x05\x06": ("an empty archive", (".npz",)),
    b"\x93NUMPY": ("a NumPy array: name it .npy", (".npy",)),
    b"PAR1": ("a Parquet file: name it .parquet", PARQUET),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook: save it as CSV", ()),
    b"\x1f\x8b": ("compressed: unpack it with gunzip", ()),
    b"BZh": ("compressed: unpack it with bunzip2", ()),
    b"%PDF": ("a PDF, which holds no table that could be read", ()),
    b"\x89HDF": ("an HDF5 file: save its table as CSV or Parquet", ()),
    b"SQLite format 3": ("a database: save its table as CSV", ()),
    b"<": ("HTML or XML: save its table as CSV", ()),
    b"{": ("JSON: save its table as CSV", ()),
    b"version https://git-lfs": ("a pointer of Git LFS: fetch the file with git lfs pull", ()),
}


@dataclass(frozen=True)
class ParquetForm:
    """The types of a table's columns."""

    dtypes: pd.Series
    left_out: ClassVar[dict[str, str]] = {}

    def write(self, stream: IO[bytes], frame: pd.DataFrame) -> None:
        """Write a table of the columns that were read."""
        _require_pyarrow()
        frame.astype(self.dtypes.to_dict()).to_parquet(stream, index=False)


@dataclass(frozen=True)
class Table:
    """A table, how its file was written, and what a reader should know.

    Parameters
    ----------
    path : Path
        The file.
    frame : DataFrame
        Its columns that hold values; those that number the rows or are empty are left out.
    form : TextForm, ArrayForm or ParquetForm
        How it was written.
    notes : list of str
        What was found out, and is not in the frame.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_timegen.io import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "sales.csv"
    ...     _ = path.write_text("day;sold\\n01.02.2024;3,5\\n02.02.2024;4,1\\n")
    ...     table = read_table(path)
    ...     other = table.write(Path(folder) / "other.csv", table.frame.iloc[:1]).read_text()
    >>> other.split()
    ['day;sold', '01.02.2024;3,5']
    """

    path: Path
    frame: pd.DataFrame
    form: TextForm | ArrayForm | ParquetForm
    notes: list[str]

    def write(self, path: str | Path, frame: pd.DataFrame) -> Path:
        """Write another table of the same columns as this one was written.

        The columns, their order and types are those of the file that was read, and so are
        separators, decimal marks, decimals, formats of dates and quotation marks, as far as the
        ending of ``path`` stands for the same format. The file is complete or not there at all.

        Parameters
        ----------
        path : str or Path
            The target.
        frame : DataFrame
            A table of the columns of ``frame``. Where one is not there, the cells are empty, or
            go on with the numbers of the rows, if that is what it holds.

        Returns
        -------
        path : Path
            The target.
        """
        path = Path(path)
        form = self._form_for(path.suffix.lower())
        with atomic_write(path, form.encoding if isinstance(form, TextForm) else None) as stream:
            form.write(stream, self._completed(frame))
        return path

    def understand(
        self,
        id_columns: Sequence[str] = (),
        time_column: str | None = None,
        *,
        drop: Sequence[str] = (),
    ) -> Understanding:
        """Tell the columns of the table apart, as :func:`~sklearn_timegen.io.understand` does.

        Parameters
        ----------
        id_columns : sequence of str, default=()
            Columns that name series, if known.
        time_column : str or None, default=None
            The column of times, if known.
        drop : sequence of str, default=()
            Columns to leave out, whatever they hold.

        Returns
        -------
        understanding : Understanding
            The columns, what the file holds beside them, and how it is written.
        """
        return understand(
            self.frame,
            id_columns,
            time_column,
            drop=drop,
            left_out=self.form.left_out,
            notes=self.notes,
        )

    def _completed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table with all columns, in their order."""
        import pandas as pd

        columns = {}
        for name, column in self.frame.items():
            if name in frame:
                columns[name] = frame[name].reset_index(drop=True)
            elif column.dtype.kind in "iu" and (np.diff(column) == 1).all():
                columns[name] = column.max() + 1 + np.arange(len(frame))
            else:
                columns[name] = column.iloc[:0].reindex(range(len(frame)))
        return pd.DataFrame(columns)

    def time_of(self, column: str | None, text: str) -> Any:
        """Return a time that is written as in a column, or as ISO 8601 has it.

        Parameters
        ----------
        column : str or None
            The column of times, or of whole numbers; ``None`` if there is none, which is refused.
        text : str
            The time; the hours may be left out.

        Returns
        -------
        time : Timestamp or int
            What it stands for.

        Raises
        ------
        ValueError
            If it is written in another way, or there is no column of times.
        """
        if column is None:
            raise InputError(
                Parameter("start", text), f" needs a column of times, and {self.path} has none"
            )
        if self.frame[column].dtype.kind in "iu" and text.isdecimal():
            return int(text)
        form = self.form.cell(column) if isinstance(self.form, TextForm) else None
        time = time_written(form, text)
        if time is None:
            raise ValueError(
                f"{text!r} is no time as column {column} has them, such as "
                f"{self.frame[column].iloc[0]}: write it so, or as 2024-12-31"
            )
        return time

    def _form_for(self, suffix: str) -> TextForm | ArrayForm | ParquetForm:
        form = self.form
        if suffix in TEXT:
            separator = TEXT[suffix]
            if not isinstance(form, TextForm):
                return TextForm.of(self.frame, separator or ",")
            if self.path.suffix.lower() == suffix:
                return form
            default = "," if form.separator == "\t" else form.separator
            return replace(form, separator=separator or default)
        if suffix in PARQUET:
            return form if isinstance(form, ParquetForm) else ParquetForm(self.frame.dtypes)
        if isinstance(form, ArrayForm):
            return replace(form, compressed=suffix == ".npz")
        return ArrayForm(compressed=suffix == ".npz")


def read_table(
    path: str | Path, *, date_format: str | None = None, rows_are_time: bool = False
) -> Table:
    """Read a table of text (any separator and decimal mark), Parquet, or windows of numbers.

    Of text, the separator, the decimal mark, quotation marks and the formats of dates are found
    out. A cell that begins with a needless zero, such as 01, is a word; an empty one is missing.
    Windows become a table with the columns sample, timestep, label (if there are any) and a
    column a channel.

    Parameters
    ----------
    path : str or Path
        A ``.csv``, ``.tsv``, ``.txt``, ``.parquet``, ``.npy`` or ``.npz`` file.
    date_format : str or None, default=None
        Format of dates that could be read in several ways, as ``"%d/%m/%Y"``.
    rows_are_time : bool, default=False
        Whether a 2-d array is one long series, and not windows of one channel.

    Returns
    -------
    table : Table
        The table, which can write others in its form.

    Raises
    ------
    ValueError
        If the file is damaged, empty, or of another format than its ending says; or dates could
        be read in several ways.
    OSError
        If there is no such file, or it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn_timegen.io import read_table
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "sales.csv")
    ...     _ = path.write_text("shop;day;amount\\n01;31.12.2024;1,50\\n01;01.01.2025;\\n")
    ...     table = read_table(path)
    ...     _ = table.write(Path(folder, "again.csv"), table.frame)
    ...     Path(folder, "again.csv").read_text() == path.read_text()
    True
    >>> table.frame
      shop        day  amount
    0   01 2024-12-31     1.5
    1   01 2025-01-01     NaN
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_dir():
        raise ValueError(f"{path} is a directory: name a file in it")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if suffix not in SUFFIXES:
        raise ValueError(f"{path} must end in one of {', '.join(SUFFIXES)}")
    with path.open("rb") as stream:
        head = stream.read(64)
    _refuse_other_format(path, suffix, head)
    if date_format is not None and suffix not in TEXT:
        raise ValueError(f"{path} holds no dates as text that {date_format!r} could be of")
    if suffix in TEXT:
        return Table(path, *read_text(path.read_bytes(), str(path), date_format))
    if suffix in ARRAYS:
        return Table(path, *read_array(path, rows_are_time=rows_are_time))
    return _read_parquet(path)


def _refuse_other_format(path: Path, suffix: str, head: bytes) -> None:
    if not head:
        raise ValueError(f"{path} is empty")
    for signature, (words, suffixes) in SIGNATURES.items():
        if head.lstrip().startswith(signature) and suffix not in suffixes:
            raise ValueError(f"{path} is {words}")
    own = [s for s, (_, suffixes) in SIGNATURES.items() if suffix in suffixes]
    if own and not any(head.startswith(signature) for signature in own):
        raise ValueError(f"{path} is no {suffix} file, or damaged: it begins with {head[:8]!r}")


def _read_parquet(path: Path) -> Table:
    import pandas as pd

    _require_pyarrow()
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow has a class of its own for each kind of damage
        raise ValueError(f"{path} is damaged: {str(error).splitlines()[0]}") from error
    if len(frame) == 0 or frame.shape[1] == 0:
        raise ValueError(f"{path} holds no rows")
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.columns = frame.columns.map(str)
    return Table(path, frame, ParquetForm(frame.dtypes), [])


def _require_pyarrow() -> None:
    try:
        import_module("pyarrow")
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow: pip install pyarrow") from error
