"""What goes wrong with files and disks: a clear line each, nothing lost, exit code 2 only where something failed."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

OLD = "import tensorflow as tf\n\nx = tf.keras.layers.LeakyReLU(alpha=0.1)\n"
NEW = "import keras\n\nx = keras.layers.LeakyReLU(negative_slope=0.1)\n"
NOBODY = 65534
COMMAND = [sys.executable, "-m", "kparity.cli", "migrate"]


def migrate(*args, **more):
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, errors="replace", **more)


UNREADABLE = {
    "Python 2": b"import keras\nprint 'x'\n",
    "Python 2 in its except": b"import keras\ntry:\n    pass\nexcept IOError, e:\n    pass\n",
    "latin-1 without a cookie": b"import keras\nx = 'caf\xe9'\n",
    "UTF-16": OLD.encode("utf-16"),
    "UTF-16 without a mark": OLD.encode("utf-16-le"),
    "UTF-32": OLD.encode("utf-32"),
    "null bytes": b"import keras\n\0\0\0\n",
    "null bytes at its end": b"import keras\n" + b"x = 1\n" * 2000 + b"\0",
    "half of a character": "import keras\n# é".encode()[:-1],
    "a cookie that lies": b"# coding: ascii\nimport keras\nx = '\xc3\xa9'\n",
    "an unknown cookie": b"# coding: klingon\nimport keras\n",
    "brackets without end": b"import keras\n" + b"(" * 1000,
    "a number without end": b"import keras\nx = " + b"9" * 10000 + b"\n",
    "a string without end": b'import keras\nx = """\n' + b"y\n" * 100,
    "a conflict": b"<<<<<<< HEAD\nimport keras\n=======\nimport tensorflow\n>>>>>>> x\n",
    "tabs and spaces mixed": b"import keras\nif x:\n\ty = 1\n        z = 2\n",
    "binary": bytes(range(256)) * 4 + b"keras",
}


def test_files_that_cannot_be_understood_are_each_told_in_a_line_and_left(tmp_path):
    for number, data in enumerate(UNREADABLE.values()):
        (tmp_path / f"bad{number}.py").write_bytes(data)
    (tmp_path / "good.py").write_text(OLD)
    done = migrate(".", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout
    assert "own fault" not in done.stdout
    for number, (name, data) in enumerate(UNREADABLE.items()):
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"bad{number}.py:")]
        assert len(lines) == 1, name
        assert "KP000 failed" in lines[0], name
        assert (tmp_path / f"bad{number}.py").read_bytes() == data, name
    assert (tmp_path / "good.py").read_text() == NEW, "one odd file doesn't end the run"
    assert f"{len(UNREADABLE)} failed" in done.stdout


UNUSUAL = {
    "empty": (b"", b""),
    "one line end": (b"\n", b"\n"),
    "no line end": (OLD.rstrip("\n").encode(), NEW.rstrip("\n").encode()),
    "CRLF": (OLD.replace("\n", "\r\n").encode(), NEW.replace("\n", "\r\n").encode()),
    "lone CR": (OLD.replace("\n", "\r").encode(), NEW.replace("\n", "\r").encode()),
    "mixed line ends": (
        b"import tensorflow as tf\r\n\nx = tf.keras.layers.LeakyReLU(alpha=0.1)\ry = 1\r\n",
        b"import keras\r\n\nx = keras.layers.LeakyReLU(negative_slope=0.1)\ry = 1\r\n",
    ),
    "a mark": (b"\xef\xbb\xbf" + OLD.encode(), b"\xef\xbb\xbf" + NEW.encode()),
    "latin-1 with a cookie": (
        b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + OLD.encode(),
        b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + NEW.encode(),
    ),
    "tabs and form feeds": (
        b"\x0c\n" + OLD.encode() + b"\x0c\nif x:\n\ty = tf.keras.layers.LeakyReLU(alpha=1)\t\n",
        b"\x0c\n" + NEW.encode() + b"\x0c\nif x:\n\ty = keras.layers.LeakyReLU(negative_slope=1)\t\n",
    ),
    "wide characters": ("x = 'äö€😀'; ".encode() + OLD.encode(), "x = 'äö€😀'; ".encode() + NEW.encode()),
    "line separators in a string": (
        "s = 'a\u2028b\x1cc'\n".encode() + OLD.encode(),
        "s = 'a\u2028b\x1cc'\n".encode() + NEW.encode(),
    ),
}


@pytest.mark.parametrize("by", ["writing", "patch"])
def test_unusual_files_keep_every_other_byte(tmp_path, by):
    if by == "patch":
        for number, (old, _) in enumerate(UNUSUAL.values()):
            (tmp_path / f"f{number}.py").write_bytes(old)
        names = [n for n in UNUSUAL if n not in ("lone CR", "mixed line ends", "latin-1 with a cookie")]
        diff = subprocess.run([*COMMAND, ".", "--diff"], cwd=tmp_path, capture_output=True).stdout
        subprocess.run(["patch", "-p0", "--binary", "-f"], cwd=tmp_path, input=diff, capture_output=True)
    else:
        for number, (old, _) in enumerate(UNUSUAL.values()):
            (tmp_path / f"f{number}.py").write_bytes(old)
        names = list(UNUSUAL)
        assert migrate(tmp_path).returncode == 0
    for number, (name, (_, new)) in enumerate(UNUSUAL.items()):
        if name in names:
            assert (tmp_path / f"f{number}.py").read_bytes() == new, name


def test_a_file_of_five_megabytes_is_migrated_in_a_time_that_people_wait(tmp_path):
    file = tmp_path / "big.py"
    body = "x = [1, 2, 'some text in a list', 4]\n" * (5_000_000 // 37)
    file.write_text(OLD + body)
    before = time.process_time()
    done = migrate(file, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert file.read_text() == NEW + body
    assert time.process_time() - before < 60


def test_links_in_a_circle_are_left_and_links_to_files_are_written_through(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.py").write_text(OLD)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "loop").symlink_to(tmp_path / "tree")
    (tmp_path / "tree" / "self.py").symlink_to("self.py")
    (tmp_path / "tree" / "nothing.py").symlink_to("nowhere.py")
    (tmp_path / "tree" / "link.py").symlink_to("../real/a.py")
    (tmp_path / "tree" / "again.py").symlink_to("link.py")
    done = migrate(tmp_path / "tree")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("fixed: "), "each file once"
    assert (tmp_path / "real" / "a.py").read_text() == NEW
    assert (tmp_path / "tree" / "link.py").is_symlink()
    named = migrate(tmp_path / "tree" / "self.py")
    assert named.returncode == 2
    assert "circle" in named.stderr


def test_mode_owner_and_other_names_of_a_file_stay(tmp_path):
    file, other = tmp_path / "a.py", tmp_path / "b.txt"
    file.write_text(OLD)
    os.link(file, other)
    file.chmod(0o750)
    lonely = tmp_path / "c.py"
    lonely.write_text(OLD)
    lonely.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(lonely, NOBODY, NOBODY)
    assert migrate(tmp_path).returncode == 0
    assert file.samefile(other)
    assert other.read_text() == NEW
    assert file.stat().st_mode & 0o7777 == 0o750
    assert lonely.stat().st_mode & 0o7777 == 0o604
    assert lonely.stat().st_uid == (NOBODY if os.geteuid() == 0 else os.geteuid())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.py", "b.txt", "c.py"]


AS_NOBODY = """
import os, pathlib, sys
from kparity.codemod.command import Request, run

pathlib.Path("warm.py").write_text(pathlib.Path("closed/a.py").read_text())
run(Request(("warm.py",)))  # everything is imported, as long as that is allowed
if os.geteuid() == 0:
    os.setuid(65534)
sys.exit(run(Request(("closed", "open"))))
"""


def test_a_read_only_file_and_a_folder_that_cannot_be_written_are_told(tmp_path):
    for folder in ("closed", "open"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text(OLD)
        (tmp_path / folder / "a.py").chmod(0o666 if folder == "closed" else 0o444)
    (tmp_path / "open" / "secret.py").write_text(OLD)
    (tmp_path / "open" / "secret.py").chmod(0)
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open" / "shut").mkdir(0o700 if os.geteuid() == 0 else 0)
    (tmp_path / "closed").chmod(0o555)
    for parent in list(tmp_path.parents)[:-2]:
        if os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o111)
    tmp_path.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", AS_NOBODY], cwd=tmp_path, capture_output=True, text=True)
    (tmp_path / "closed").chmod(0o755)
    assert done.returncode == 2, done.stderr
    assert "closed/a.py: KP000 failed: closed/a.py: can't be written: " in done.stdout
    assert "open/a.py: is read-only" in done.stdout
    assert "open/secret.py: KP000 failed: " in done.stdout
    assert "open/shut: KP000 failed: " in done.stdout
    assert (tmp_path / "closed" / "a.py").read_text() == (tmp_path / "open" / "a.py").read_text() == OLD
    assert sorted(p.name for p in tmp_path.rglob("*.py")) == ["a.py", "a.py", "secret.py", "warm.py"]


def test_what_is_no_file_is_told_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "a.py").write_text(OLD)
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "folder.py" / "b.py").write_text(OLD)
    done = migrate(tmp_path, timeout=60)
    assert done.returncode == 2
    assert "pipe.py: is no regular file" in done.stdout
    assert "1 failed" in done.stdout
    assert (tmp_path / "folder.py" / "b.py").read_text() == (tmp_path / "a.py").read_text() == NEW


def test_a_fault_of_its_own_exits_with_2(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from kparity.cli import app
    from kparity.codemod import command

    def broken(request):
        raise KeyError("oh")

    monkeypatch.setattr(command, "run", broken)
    done = CliRunner().invoke(app, ["migrate", str(tmp_path)])
    assert done.exit_code == 2
    assert "by its own fault" in done.output


@pytest.mark.parametrize("links", [1, 2])
def test_a_disk_that_is_full_in_the_middle_of_a_write_loses_nothing(tmp_path, links):
    file = tmp_path / "a.py"
    text = OLD + "y = 1\n" * 2000
    file.write_text(text)
    if links == 2:
        os.link(file, tmp_path / "b.txt")

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    done = migrate(file, preexec_fn=full)
    assert done.returncode == 2
    assert "can't be written" in done.stdout
    assert file.read_text() == text
    assert sorted(p.name for p in tmp_path.iterdir()) == (["a.py"] if links == 1 else ["a.py", "b.txt"])


def test_a_file_that_grows_in_place_on_a_full_disk_gets_its_old_text_back(tmp_path):
    file = tmp_path / "a.py"
    text = "import tensorflow as tf\n" + "tf.keras.layers.LeakyReLU(alpha=0.1)\n" * 300
    file.write_text(text)
    os.link(file, tmp_path / "b.txt")
    limit = len(text) + 100

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    done = migrate(file, preexec_fn=full)
    assert done.returncode == 2
    assert file.read_text() == text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.py", "b.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_reports_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "a.py").write_text(OLD)
    done = migrate("a.py", "--report", "/dev/full", cwd=tmp_path)
    assert done.returncode == 2
    assert "--report: /dev/full can't be written" in done.stderr
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "a.py"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_ends_the_run_quietly(tmp_path):
    for number in range(30):
        (tmp_path / f"a{number}.py").write_text("from keras import backend as K\n" + "K.set_learning_phase(1)\n" * 200)
    shell = f"'{sys.executable}' -m kparity.cli migrate . --check | head -1"
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_files_that_are_deleted_and_changed_while_it_runs_are_told(tmp_path):
    from kparity.codemod import files
    from kparity.codemod.files import Options, migrate_files

    for name in ("a.py", "b.py", "c.py", "d.py"):
        (tmp_path / name).write_text(OLD)
    results = {}
    for result in migrate_files([tmp_path], Options()):
        results[result.path.rpartition("/")[2]] = result
        if len(results) == 1:
            (tmp_path / "b.py").unlink()
            (tmp_path / "c.py").write_text("import keras\n")
    assert "No such file" in results["b.py"].error
    assert not (tmp_path / "b.py").exists()
    assert (tmp_path / "c.py").read_text() == "import keras\n"
    assert (tmp_path / "d.py").read_text() == NEW
    stat = (tmp_path / "a.py").stat()
    (tmp_path / "a.py").write_text("x = 2\n")
    with pytest.raises(files.SourceError, match="changed by someone else"):
        files._still(tmp_path / "a.py", stat, NEW.encode())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_every_file_whole_and_no_process(tmp_path, number):
    body = "".join(f"y{n} = tf.keras.layers.LeakyReLU(alpha={n})\n" for n in range(60))
    old = OLD + body
    new = NEW + body.replace("tf.keras", "keras").replace("alpha", "negative_slope")
    for name in range(300):
        (tmp_path / f"m{name:03}.py").write_text(old)
    process = subprocess.Popen(
        [*COMMAND, ".", "--jobs", "2"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip # a shell has what it runs in the background ignore interrupts
    until = time.monotonic() + 60
    while (tmp_path / "m000.py").read_text() == old and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2, out + err
    assert "interrupted" in err
    assert "Traceback" not in err
    texts = {file.read_text() for file in tmp_path.glob("*.py")}
    assert texts == {old, new}
    assert not [p for p in tmp_path.iterdir() if p.suffix != ".py" and p.name != ".kparity_cache"]
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
