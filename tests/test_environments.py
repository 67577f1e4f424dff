"""Environments of other Kerases: what is refused in words, and one that is made, found again and run in."""

import stat
import sys
import time
from pathlib import Path

import pytest
from test_compare_errors import MODEL, run, verdict_of

from kparity.runtime import environments
from kparity.runtime.failed import SideFailed

UV = """\
#!/bin/sh
case "$*" in
  "pip compile"*) test "$FAILS" != compile || { echo "no solution: numpy<2 and numpy>=2" >&2; exit 1; } ;;
  venv*) for last; do :; done; mkdir -p $last/bin; touch $last/bin/python ;;
  "pip install"*)
    echo "Downloading tensorflow (5.0MiB)" >&2
    test "$FAILS" != install || { echo "no route" >&2; exit 1; } ;;
  "pip list"*) echo '[{"name": "keras", "version": "3.4.1"}]' ;;
esac
echo "$*" >> $CALLS
"""


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for uv that makes an empty environment; returns the file in which it lists its calls."""
    program = tmp_path / "uv"
    program.write_text(UV)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(environments, "_uv", lambda why: str(program))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def test_an_environment_is_made_once_and_found_again(uv: Path) -> None:
    told: list[str] = []
    made = environments.environment("keras", "3.4.1", (), told.append)
    assert made.packages == {"keras": "3.4.1"}
    assert any("downloading tensorflow" in one for one in told), told
    calls = uv.read_text()
    assert "keras==3.4.1" in calls
    assert environments.environment("keras", "3.4.1", (), told.append) == made
    assert uv.read_text() == calls, "nothing was asked of uv"
    assert environments.environment("keras", "3.4.1", ("pillow",), told.append).folder != made.folder


@pytest.mark.parametrize(("fails", "says"), [("compile", "no solution"), ("install", "no route")])
def test_what_uv_cannot_do_is_told_in_its_words_and_leaves_nothing(
    fails: str, says: str, uv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", fails)
    with pytest.raises(SideFailed) as caught:
        environments.environment("keras", "3.4.1", (), lambda stage: None)
    assert says in " ".join(caught.value.output)
    monkeypatch.delenv("FAILS")
    assert environments.environment("keras", "3.4.1", (), lambda stage: None).packages


@pytest.mark.parametrize(
    ("package", "version", "says"),
    [
        ("keras", "2.15.0", "--keras3 takes a version of keras"),
        ("tf-keras", "3.4.1", "--keras2"),
        ("keras", "3", "such as"),
        ("keras", "3.4.1; rm", "not '3.4.1; rm'"),
    ],
)
def test_what_is_no_version_is_refused(package: str, version: str, says: str) -> None:
    with pytest.raises(SideFailed, match=says):
        environments.environment(package, version, (), lambda stage: None)


def test_without_uv_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SideFailed, match=r'--keras3 3.4.1 needs uv.*pip install "kparity\[environments\]"'):
        environments.environment("keras", "3.4.1", (), lambda stage: None)


@pytest.mark.slow
def test_a_model_is_compared_under_keras_3_4_1(tmp_path: Path) -> None:
    """Needs the internet, or uv's cache."""
    subject = tmp_path / "model.py"
    subject.write_text(MODEL)
    started = time.monotonic()
    ended = run(subject, tmp_path / "out", "--keras3", "3.4.1")
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr} after {time.monotonic() - started:.0f} s"
    told = verdict_of(tmp_path / "out" / "model")["sides"]["keras3"]
    assert told["keras"] == "3.4.1"
    assert told["file"].startswith(f"{told['environment']}/")
    assert "keras 3.4.1 from keras-3.4.1-" in " ".join(ended.stdout.split())
    assert any("different TensorFlows" in note for note in verdict_of(tmp_path / "out" / "model")["notes"])


def test_a_version_that_does_not_exist_ends_the_comparison_with_uvs_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("uv")
    monkeypatch.setenv("UV_OFFLINE", "1")
    subject = tmp_path / "model.py"
    subject.write_text(MODEL)
    ended = run(subject, tmp_path / "out", "--keras3", "3.999.0")
    assert ended.returncode == 2
    error = verdict_of(tmp_path / "out" / "model")["error"]
    assert "uv finds no way to install keras 3.999.0" in error["message"]
    assert error["output"]
