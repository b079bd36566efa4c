"""The command line as a whole."""

import os
import subprocess
import sys

import pytest

import calligrad as package
from calligrad.__main__ import main


def test_version(calligrad):
    run = calligrad("--version")
    assert (run.status, run.out) == (0, f"calligrad {package.__version__}\n")


def test_help_names_the_commands(calligrad):
    run = calligrad("--help")
    assert run.status == 0
    assert "  fit " in run.out
    assert "  digits " in run.out


@pytest.mark.parametrize("command", ["fit", "digits"])
def test_help_names_the_options_and_fits_a_terminal(calligrad, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    run = calligrad(command, "--help")
    assert run.status == 0
    for option in ("--seed", "--epochs", "--lr", "--width", "--output"):
        assert option in run.out
    assert max(map(len, run.out.splitlines())) <= 80


def test_no_command_prints_the_help(calligrad):
    run = calligrad()
    assert (run.status, run.out) == (2, "")
    assert "  fit " in run.err


def test_an_unknown_command_is_refused_with_those_there_are(calligrad):
    run = calligrad("fti")
    assert run.status == 2
    assert "fti" in run.err
    assert "fit" in run.err
    assert "digits" in run.err


def test_python_m(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "calligrad", "fit", "--epochs", "1", "--f", "x", "--seed", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1].startswith("prediction at 6.0: ")


def test_names_outside_the_encoding_of_stdout_do_not_stop_it(tmp_path):
    (tmp_path / "长.csv").write_text("x长,y\n1,2\n2,3\n", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "calligrad", "fit", "--epochs", "1", "--csv", "长.csv", "--at", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert b"?.csv: y from x?, 2 points" in run.stdout


def test_the_extras_are_imported_only_when_they_are_used():
    code = "import sys, calligrad.__main__; print([n for n in ('rich', 'matplotlib', 'difflib') if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_an_unknown_option_shows_the_options_of_its_command(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "--nonsense"])
    said = capsys.readouterr().err
    assert "--nonsense" in said
    assert "--epochs" in said


@pytest.mark.skipif(os.name == "nt", reason="Windows closes pipes in another way")
def test_a_reader_that_goes_away_is_no_traceback(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "-m", "calligrad", "fit", "--epochs", "5"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    run.stdout.close()
    said = run.stderr.read()
    run.stderr.close()
    assert run.wait() == 1
    assert b"Traceback" not in said
