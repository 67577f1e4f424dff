"""[tool.kparity], rules of one's own, which files are looked at, and stdin."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from kparity.cli import app
from kparity.config import matches

OLD = "import tensorflow as tf\n\nx = tf.keras.layers.LeakyReLU(alpha=0.1)\n"
NEW = "import keras\n\nx = keras.layers.LeakyReLU(negative_slope=0.1)\n"


def run(*args, **more):
    return CliRunner().invoke(app, [str(a) for a in args], **more)


def project(tmp_path, settings: str, *files: str):
    (tmp_path / "pyproject.toml").write_text(f"[tool.kparity]\n{settings}\n")
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(OLD)


def migrated(tmp_path, *files: str) -> list[str]:
    return [name for name in files if (tmp_path / name).read_text() != OLD]


FILES = ("a.py", "src/b.py", "tests/c.py", "tests/deep/d.py")
CHOSEN = {
    "everything": ("", FILES),
    "exclude a folder": ('exclude = ["tests"]', ("a.py", "src/b.py")),
    "exclude a pattern": ('exclude = ["tests/*/d.py", "a.*"]', ("src/b.py", "tests/c.py")),
    "exclude at any depth": ('exclude = ["**/d.py"]', ("a.py", "src/b.py", "tests/c.py")),
    "include": ('include = ["src/**", "c.py"]', ("src/b.py", "tests/c.py")),
    "include and exclude": ('include = ["*.py"]\nexclude = ["src"]', ("a.py", "tests/c.py", "tests/deep/d.py")),
    "no rules for some files": ('per-file-ignores = { "tests/*" = ["KP1", "KP203"] }', ("a.py", "src/b.py")),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_settings_choose_the_files(tmp_path, name):
    settings, chosen = CHOSEN[name]
    project(tmp_path, settings, *FILES)
    done = run("migrate", tmp_path)
    assert migrated(tmp_path, *FILES) == list(chosen), done.output


def test_a_file_that_is_named_is_looked_at_though_it_is_excluded(tmp_path):
    project(tmp_path, 'exclude = ["a.py"]', "a.py")
    run("migrate", tmp_path / "a.py")
    assert migrated(tmp_path, "a.py") == ["a.py"]


RULES = {
    "select": ('select = ["KP203"]', (), "tf.keras.layers.LeakyReLU(negative_slope"),
    "ignore": ('ignore = ["leaky-relu-alpha"]', (), "= keras.layers.LeakyReLU(alpha"),
    "extend-select": ('select = ["KP302"]\nextend-select = ["KP203"]', (), "tf.keras.layers.LeakyReLU(negative_slope"),
    "--extend": ('select = ["KP302"]', ("--extend", "KP203"), "tf.keras.layers.LeakyReLU(negative_slope"),
    "--select wins": ('select = ["KP302"]', ("--select", "KP1"), "= keras.layers.LeakyReLU(alpha"),
    "target": ('target = "tf.keras"', (), "tf.keras.layers.LeakyReLU(negative_slope"),
    "--target wins": ('target = "tf.keras"', ("--target", "keras"), "= keras.layers.LeakyReLU(negative_slope"),
}


@pytest.mark.parametrize("name", RULES)
def test_settings_choose_the_rules(tmp_path, name):
    settings, options, said = RULES[name]
    project(tmp_path, settings, "src/a.py")
    run("migrate", tmp_path / "src", *options)
    assert said in (tmp_path / "src/a.py").read_text()


WRONG = {
    "an unknown key": ('exlude = ["a"]', "has no key 'exlude'"),
    "a text for a list": ('exclude = "a"', "exclude is a list of strings"),
    "an unknown rule": ('select = ["KP999"]', "no rule is called 'KP999'"),
    "an unknown rule for a file": ('per-file-ignores = { "a" = ["KP999"] }', "no rule is called 'KP999'"),
    "an unknown target": ('target = "torch"', "target = 'torch'"),
    "no rule file": ('rules = ["mine.toml"]', "mine.toml"),
    "no TOML": ("= 1", "pyproject.toml: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_refused_in_words(tmp_path, name):
    settings, said = WRONG[name]
    project(tmp_path, settings, "a.py")
    done = run("migrate", tmp_path)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output
    assert migrated(tmp_path, "a.py") == []


MINE = """[MY101]
name = "our-layer"
title = "Our own layer has another name"
applies = "keras.layers.LeakyReLU"
safety = "unsafe"
effect = "none"
phase = "api"
edit = { kind = "rename", to = "keras.layers.ReLU" }
why = "Because."
"""


@pytest.mark.parametrize("by", ["setting", "option"])
def test_rules_of_ones_own_are_used(tmp_path, by):
    project(tmp_path, 'rules = ["mine.toml"]' if by == "setting" else "", "a.py")
    (tmp_path / "mine.toml").write_text(MINE)
    options = ("--rules", tmp_path / "mine.toml") if by == "option" else ()
    done = run("migrate", tmp_path, "--select", "MY101", "--unsafe-fixes", *options)
    assert done.exit_code == 0, done.output
    assert "ReLU(alpha" in (tmp_path / "a.py").read_text()
    assert "LeakyReLU" not in (tmp_path / "a.py").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [("[MY101", "mine.toml: "), (MINE.replace("MY101", "KP203"), "the id is taken"), (MINE + "x = 1\n", "unknown key")],
)
def test_a_wrong_rule_of_ones_own_is_refused_in_words(tmp_path, text, said):
    (tmp_path / "a.py").write_text(OLD)
    (tmp_path / "mine.toml").write_text(text)
    done = run("migrate", tmp_path / "a.py", "--rules", tmp_path / "mine.toml")
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize(
    ("name", "pattern", "said"),
    [
        ("a/b.py", "b.py", True),
        ("a/b.py", "a", True),
        ("a/b.py", "a/", True),
        ("a/b.py", "b", False),
        ("a/b/c.py", "a/b", True),
        ("a/b/c.py", "b/c.py", False),
        ("a/b/c.py", "**/c.py", True),
        ("c.py", "**/c.py", True),
        ("a/b.py", "./a/*.py", True),
    ],
)
def test_patterns(name, pattern, said):
    assert matches(name, (pattern,)) is said


def stdin(text: bytes, *options: str, cwd=None):
    command = [sys.executable, "-m", "kparity.cli", "migrate", "-", *options]
    return subprocess.run(command, input=text, capture_output=True, cwd=cwd)


def test_an_editor_gets_its_text_back_migrated(tmp_path):
    done = stdin(OLD.encode(), "--stdin-filename", "x.py", cwd=tmp_path)
    assert (done.stdout, done.returncode) == (NEW.encode(), 0)
    crlf = b"\xef\xbb\xbf" + OLD.replace("\n", "\r\n").encode()
    assert stdin(crlf, cwd=tmp_path).stdout == b"\xef\xbb\xbf" + NEW.replace("\n", "\r\n").encode()


def test_an_editor_gets_its_text_back_as_it_was_where_it_cannot_be_migrated():
    for text in (b"import keras\nx = (\n", b"import keras\nx = '\xe9'\n"):
        done = stdin(text)
        assert (done.stdout, done.returncode) == (text, 2)
        assert b"KP000 failed" in done.stderr


def test_what_is_left_of_an_editors_text_is_told_beside_it(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.kparity]\nignore = ["KP1"]\n')
    text = b"from tensorflow.keras import backend as K\nK.set_learning_phase(1)\n"
    done = stdin(text, "--stdin-filename", "sub/x.py", cwd=tmp_path)
    assert done.stdout == text
    assert b"sub/x.py:2:1: KP690 manual" in done.stderr
    assert done.returncode == 1


def test_stdin_with_check_says_nothing_and_with_diff_the_change():
    assert (stdin(OLD.encode(), "--check").stdout, stdin(OLD.encode(), "--check").returncode) == (b"", 1)
    assert b"+import keras" in stdin(OLD.encode(), "--diff").stdout


def git(folder, *words):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


TREE = ("a.py", "made/b.py", "sub/c.py", "sub/kept.py", "sub/deep/d.py", "build/e.py", "env/f.py")
IGNORED = {".gitignore": "made/\nc.py\nd.py\n", "sub/.gitignore": "kept*\n!kept.py\n!d.py\n"}


@pytest.mark.parametrize("with_git", [True, False])
def test_what_git_ignores_is_left_out_with_and_without_git(tmp_path, with_git):
    project(tmp_path, "", *TREE)
    for name, text in IGNORED.items():
        (tmp_path / name).write_text(text)
    if with_git:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "-f", "build/e.py")
    run("migrate", tmp_path, "--allow-dirty")
    tracked = ["build/e.py"] if with_git else []
    assert migrated(tmp_path, *TREE) == ["a.py", "sub/kept.py", "sub/deep/d.py", *tracked, "env/f.py"]


def test_a_folder_that_is_named_is_looked_at_though_git_ignores_it(tmp_path):
    project(tmp_path, "", "made/b.py")
    (tmp_path / ".gitignore").write_text("made/\n")
    git(tmp_path, "init", "-q")
    run("migrate", tmp_path / "made", "--allow-dirty")
    assert migrated(tmp_path, "made/b.py") == ["made/b.py"]


def test_repositories_in_repositories_are_looked_into(tmp_path):
    project(tmp_path, "", "inner/a.py", "b.py")
    git(tmp_path / "inner", "init", "-q")
    git(tmp_path, "init", "-q")
    run("migrate", tmp_path, "--allow-dirty")
    assert migrated(tmp_path, "inner/a.py", "b.py") == ["inner/a.py", "b.py"]


def test_uncommitted_changes_are_not_written_over(tmp_path):
    names = ("clean.py", "changed.py", "staged.py", "other.py", "new.py")
    project(tmp_path, "", *names[:-1])
    (tmp_path / "fine.py").write_text("import keras\n")
    git(tmp_path, "init", "-q")
    (tmp_path / "staged.py").write_text("x = 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    for name in ("changed.py", "staged.py", "new.py"):
        (tmp_path / name).write_text(OLD + "y = 1\n")
    (tmp_path / "fine.py").write_text("import keras\nx = 1\n")
    git(tmp_path, "add", "staged.py")
    assert run("migrate", tmp_path, "--check").exit_code == 1
    done = run("migrate", tmp_path)
    assert done.exit_code == 2
    refused = sorted(
        line.split(": ")[0].rpartition("/")[2] for line in done.output.splitlines() if "KP000 failed" in line
    )
    assert refused == ["changed.py", "new.py", "staged.py"]
    assert (tmp_path / "clean.py").read_text() == NEW
    assert (tmp_path / "changed.py").read_text() == OLD + "y = 1\n"
    assert "--allow-dirty" in done.output
    done = run("migrate", tmp_path, "--allow-dirty")
    assert done.exit_code == 0
    assert (tmp_path / "new.py").read_text() == NEW + "y = 1\n"


def test_the_diff_is_coloured_where_colours_are_wanted(tmp_path):
    (tmp_path / "a.py").write_text(OLD)
    command = [sys.executable, "-m", "kparity.cli", "migrate", "a.py", "--diff"]
    shown = {}
    for name, environment in (
        ("plain", {}),
        ("forced", {"FORCE_COLOR": "1"}),
        ("never", {"FORCE_COLOR": "1", "NO_COLOR": "1"}),
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, **environment})
        shown[name] = done.stdout
    assert "\x1b[32m+import keras\x1b[0m" in shown["forced"]
    assert "\x1b" not in shown["plain"] + shown["never"]
    assert json.loads(json.dumps(shown["plain"])) == shown["never"]
