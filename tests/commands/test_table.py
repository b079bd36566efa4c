"""CSV files: good ones are read, bad ones are refused with the line and the column."""

import numpy as np
import pytest

from calligrad.commands.errors import UserError
from calligrad.commands.table import read_table


@pytest.fixture
def read(tmp_path):
    def read(content):
        file = tmp_path / "points.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(str(file))

    return read


@pytest.mark.parametrize(
    ("content", "names", "x", "y"),
    [
        ("x,y\n1,2\n3,4\n", ["x"], [[1], [3]], [2, 4]),
        ("x,y\r\n1,2\r\n3,4", ["x"], [[1], [3]], [2, 4]),
        ("y,x\n1,2\n3,4\n", ["x"], [[2], [4]], [1, 3]),
        ("x1,x2,y\n1,2,3\n4,5,6\n", ["x1", "x2"], [[1, 2], [4, 5]], [3, 6]),
        ("X,Y\n1,2\n3,4\n", ["X"], [[1], [3]], [2, 4]),
        (" x , y \n 1 , 2e3 \n -3 ,+.4\n", ["x"], [[1], [-3]], [2000, 0.4]),
        ('"x","y"\n"1","2"\n"3","4"\n', ["x"], [[1], [3]], [2, 4]),
        ("\ufeffx,y\n1,2\n3,4\n", ["x"], [[1], [3]], [2, 4]),
        ("\nx,y\n\n1,2\n\n3,4\n\n", ["x"], [[1], [3]], [2, 4]),
        ("x,y\n1,2\n \t \n3,4\n  ", ["x"], [[1], [3]], [2, 4]),
        ('"x\nm",y\n1,2\n3,4\n', ["x m"], [[1], [3]], [2, 4]),
        ("name,x,y,name\na,1,2,\nb,3,4,c\n", ["x"], [[1], [3]], [2, 4]),
        ("x_长,y\n1,2\n3,4\n", ["x_长"], [[1], [3]], [2, 4]),
    ],
)
def test_what_is_read(read, content, names, x, y):
    table = read(content)
    assert table.names == names
    np.testing.assert_array_equal(table.x, x)
    np.testing.assert_array_equal(table.y, y)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["is empty", "x,y"]),
        ("\n\n", ["is empty"]),
        ("x,y\n", ["0 rows"]),
        ("x,y\n1,2\n", ["1 row of", "at least 2"]),
        ("y,z\n1,2\n", ["no column whose name begins with x", "'y', 'z'"]),
        ("x,z\n1,2\n", ["no column y", "'x', 'z'"]),
        ("x;y\n1;2\n", ["separated by commas", "';'"]),
        ("1,2\n3,4\n", ["begins with x", "'1', '2'"]),
        ("x,x,y\n1,2,3\n", ["line 1", "2 columns 'x'"]),
        ("x,y,y\n1,2,3\n", ["line 1", "2 columns 'y'"]),
        ("x,y,Y\n1,2,3\n", ["line 1", "2 columns 'y'"]),
        ("x,y\n1,2\n3,four\n", ["line 3", "column y", "'four' is not a number"]),
        ("x1,x2,y\n1,2,3\n1,b,3\n", ["line 3", "column x2", "'b'"]),
        ('x,y\n"1,5",2\n', ["line 2", "column x", "'1,5'"]),
        ("x,y\n1,\n", ["line 2", "column y", "empty"]),
        ("x,y\n , 2\n", ["line 2", "column x", "empty"]),
        ("x,y\n1,2\n\n3,nan\n", ["line 4", "column y", "'nan' is not a finite number"]),
        ("x,y\n-inf,2\n", ["line 2", "column x", "'-inf' is not a finite number"]),
        ("x,y\n1,1e999\n", ["line 2", "column y", "finite"]),
        ("x,y\n1,2\n3\n", ["line 3: 1 cell, but line 1 names 2"]),
        ("x,y\n1,2,3\n", ["line 2: 3 cells, but line 1 names 2"]),
        (b"x,y\n1,2\n\xff,3\n", ["line 3", "byte 1", "0xff", "UTF-8"]),
        ("x,y\n1,2\n".encode("utf-16"), ["line 1", "byte 1", "UTF-8"]),
        (b"x,y\n1,\x002\n", ["line 2", "byte 3", "0x00 is no text", "UTF-8"]),
        ("x,y\n1,2\n".encode("utf-16-le"), ["line 1", "byte 2", "UTF-8"]),
        ('x,y\n1,"2\n', ["line 2", "end of data"]),
        ('x,y\n\n1,"2\n3,4\n5,6\n', ["line 3", "end of data", "quotation mark that opens in this row is not closed"]),
        ('x,y\n1,"2\n3,"4"\n', ["line 2", "quotation mark that opens in this row is not closed"]),
        ('x,y,z\n1,2,"a\nb"\n3,4\n', ["line 4: 2 cells"]),
        ('x,y\n"1"2,3\n', ["line 2", "expected after"]),
        ("x,y\n1," + "2" * 200_000 + "\n", ["line 2", "field larger"]),
    ],
)
def test_what_is_refused(read, content, words):
    with pytest.raises(UserError) as caught:
        read(content)
    for word in ["points.csv", *words]:
        assert word in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path, "nul\0byte"):
        with pytest.raises(UserError, match="cannot read"):
            read_table(str(path))
    with pytest.raises(UserError, match="--csv needs the name of a file"):
        read_table("")
