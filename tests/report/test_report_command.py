"""`kparity report`: a saved comparison is shown again by a process that loads no framework."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from samples import map_rows, verdict

from kparity.report.files import write


def report(*words: str, folder: Path, prefix: str = "") -> subprocess.CompletedProcess[str]:
    code = prefix + "import sys; sys.argv[0] = 'kparity'; from kparity.cli import app; app()"
    environment = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", code, "report", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("kind", ["equivalent", "different", "inconclusive", "error"])
def test_a_saved_comparison_is_shown_again_and_exits_with_0(kind: str, tmp_path: Path) -> None:
    write(verdict(kind), tmp_path / "reports" / "mine")
    ended = report("reports/mine", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(kind.upper())
    assert "reports/mine: verdict.json" in ended.stdout
    assert len(ended.stdout.splitlines()) <= 40
    assert "\x1b" not in ended.stdout


def test_html_is_written_with_the_map_that_lies_beside(tmp_path: Path) -> None:
    write(verdict(), tmp_path / "mine")
    map_rows(4, 10).to_parquet(tmp_path / "mine" / "map.parquet")
    ended = report("mine", "--html", "out/page.html", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert '<h2 id="map">' in (tmp_path / "out" / "page.html").read_text(encoding="utf-8")


def test_the_terminal_needs_rich_alone_and_html_says_what_it_lacks(tmp_path: Path) -> None:
    write(verdict(), tmp_path / "mine")
    bare = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name in {'numpy', 'pandas', 'plotly', 'scipy', 'tensorflow', 'keras', 'libcst'}:\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    ended = report("mine", folder=tmp_path, prefix=bare)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("DIFFERENT")
    ended = report("mine", "--html", "page.html", folder=tmp_path, prefix=bare)
    assert ended.returncode == 2
    assert 'pip install "kparity[compare]"' in ended.stderr
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nothing"], "nothing doesn't exist"), (["mine", "--html", "mine/verdict.json/x.html"], "cannot be written")],
)
def test_what_cannot_be_done_exits_with_2_and_says_why(words: list[str], said: str, tmp_path: Path) -> None:
    write(verdict(), tmp_path / "mine")
    ended = report(*words, folder=tmp_path)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
