"""The cache: a second run over files that haven't changed only looks at their names, and is never wrong for it."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from kparity.codemod.files import Options, migrate_files

TOLD = "from tensorflow.keras import backend as K\n\nK.set_learning_phase(1)\n"
OLD = "import tensorflow as tf\n\nx = tf.keras.layers.LeakyReLU(alpha=0.1)\n"
COMMAND = [sys.executable, "-m", "kparity.cli", "migrate"]


def project(tmp_path, number: int = 24):
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for n in range(number):
        (folder / f"m{n:02}.py").write_text([TOLD, "import os\n", OLD][n % 3] + f"y = {n}\n")
    (folder / "uses.py").write_text("from .back import K\n\nK.set_learning_phase(1)\n")
    (folder / "back.py").write_text("from tensorflow.keras import backend as K\n")
    return folder


def findings(tmp_path, cache: bool, **more) -> list:
    options = Options(cache=tmp_path if cache else None, **more)
    results = migrate_files([tmp_path / "src"], options)
    return [(r.path, r.changed, r.mentions, r.findings) for r in results]


def stored(tmp_path) -> dict:
    (file,) = (tmp_path / ".kparity_cache").glob("*.json")
    return json.loads(file.read_text())["files"]


def settle(tmp_path) -> None:
    """Files of the last seconds are read again, because their time may not tell."""
    for file in (tmp_path / "src").iterdir():
        os.utime(file, ns=(0, 10**18 + file.stat().st_size))


CHANGES = {
    "nothing": lambda folder: None,
    "a file's text": lambda folder: (folder / "m00.py").write_text("x = 1\n"),
    "a file's text, of the same length": lambda folder: (folder / "m00.py").write_text(
        TOLD.replace("1", "2") + "y = 0\n"
    ),
    "a file's time": lambda folder: (folder / "m00.py").touch(),
    "a neighbour's text": lambda folder: (folder / "back.py").write_text("K = None\n"),
    "a new file": lambda folder: (folder / "new.py").write_text(TOLD),
    "a file less": lambda folder: (folder / "m00.py").unlink(),
    "a neighbour less": lambda folder: (folder / "back.py").unlink(),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("write", [True, False])
def test_with_and_without_the_cache_the_same_is_found(tmp_path, name, write):
    folder = project(tmp_path)
    findings(tmp_path, True, write=write)
    settle(tmp_path)
    assert findings(tmp_path, True, write=False) == findings(tmp_path, False, write=False)
    CHANGES[name](folder)
    assert findings(tmp_path, True, write=False) == findings(tmp_path, False, write=False)
    assert findings(tmp_path, True, write=False) == findings(tmp_path, False, write=False)


def test_what_is_known_is_not_read_again(tmp_path, monkeypatch):
    project(tmp_path)
    findings(tmp_path, True, write=False)
    settle(tmp_path)
    before = findings(tmp_path, True, write=False)
    from kparity.codemod import files

    monkeypatch.setattr(files, "migrate_file", lambda path, options: pytest.fail(f"{path} was looked at again"))
    assert findings(tmp_path, True, write=False) == before


def test_what_would_change_is_looked_at_again_when_it_is_to_be_written_or_shown(tmp_path):
    folder = project(tmp_path)
    changing = sum(r[1] for r in findings(tmp_path, True, write=False))
    assert sum(r[1] for r in findings(tmp_path, True, write=False)) == changing > 8
    diffs = [r.diff for r in migrate_files([folder], Options(cache=tmp_path, write=False, diff=True))]
    assert sum(bool(diff) for diff in diffs) == changing
    findings(tmp_path, True)
    assert "negative_slope" in (folder / "m02.py").read_text()


def test_options_and_own_rules_have_findings_of_their_own(tmp_path):
    project(tmp_path)
    everything = findings(tmp_path, True, write=False)
    assert findings(tmp_path, True, write=False, ignore=("KP6",)) != everything
    assert findings(tmp_path, True, write=False, target="tf.keras") != everything
    assert findings(tmp_path, True, write=False) == everything


DAMAGES = {
    "no JSON": lambda text: "{",
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "a list": lambda text: "[]",
    "other values": lambda text: text.replace("[", "[null,", 3),
    "other texts": lambda text: json.dumps({**json.loads(text), "texts": []}),
    "other files": lambda text: json.dumps({**json.loads(text), "files": {"a": 1}}),
    "null": lambda text: json.dumps(dict.fromkeys(json.loads(text))),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_cache_counts_as_none(tmp_path, name):
    project(tmp_path)
    before = findings(tmp_path, True, write=False)
    settle(tmp_path)
    findings(tmp_path, True, write=False)
    (file,) = (tmp_path / ".kparity_cache").glob("*.json")
    file.write_text(DAMAGES[name](file.read_text()))
    assert findings(tmp_path, True, write=False) == before
    assert stored(tmp_path)


def test_a_folder_that_cannot_hold_a_cache_is_done_without(tmp_path):
    project(tmp_path)
    (tmp_path / ".kparity_cache").write_text("a file of that name")
    assert findings(tmp_path, True, write=False) == findings(tmp_path, False, write=False)


def test_runs_at_the_same_time_do_no_harm(tmp_path):
    project(tmp_path)
    expected = findings(tmp_path, False, write=False)
    found: list = []
    runs = [threading.Thread(target=lambda: found.append(findings(tmp_path, True, write=False))) for _ in range(4)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert found == [expected] * 4
    assert findings(tmp_path, True, write=False) == expected
    assert not list((tmp_path / ".kparity_cache").glob("*.json.*"))


def test_the_cache_is_a_folder_that_tools_know_as_one_and_can_be_switched_off(tmp_path):
    project(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    subprocess.run([*COMMAND, "src", "--check", "--no-cache"], cwd=tmp_path, capture_output=True)
    assert not (tmp_path / ".kparity_cache").exists()
    subprocess.run([*COMMAND, "src", "--check"], cwd=tmp_path, capture_output=True)
    assert (
        (tmp_path / ".kparity_cache" / "CACHEDIR.TAG")
        .read_text()
        .startswith("Signature: 8a477f597d28d172789f06886806bc55")
    )
    assert (tmp_path / ".kparity_cache" / ".gitignore").read_text() == "*\n"


def test_few_files_make_no_cache(tmp_path):
    (tmp_path / "a.py").write_text(OLD)
    (tmp_path / "pyproject.toml").write_text("")
    subprocess.run([*COMMAND, "a.py"], cwd=tmp_path, capture_output=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.py", "pyproject.toml"]


def test_a_second_run_over_two_thousand_files_takes_less_than_a_second(tmp_path):
    for package in range(20):
        (tmp_path / f"p{package}").mkdir()
        for n in range(100):
            text = f"from keras import backend as K\n\nK.set_learning_phase({n})\n"
            (tmp_path / f"p{package}" / f"m{n}.py").write_text(text)
    (tmp_path / "pyproject.toml").write_text("")
    first = subprocess.run([*COMMAND, "."], cwd=tmp_path, capture_output=True, text=True)
    best = 9.0
    for _ in range(3):
        start = os.times()
        again = subprocess.run([*COMMAND, "."], cwd=tmp_path, capture_output=True, text=True)
        end = os.times()
        best = min(best, end.children_user + end.children_system - start.children_user - start.children_system)
        time.sleep(0.05)
    assert again.stdout.splitlines()[-1].startswith("2001 files, 2000 mention Keras or TensorFlow, 0 changed")
    assert first.returncode == again.returncode == 1
    assert best < 1
