"""What compare does when the world is at fault: files, models and processes that break, one real run each.

Every verdict is `error`, valid by the schema, with exit code 2, and the terminal shows words, never kparity's own
traceback.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[1] / "kparity" / "report" / "verdict.schema.json").read_text(encoding="utf-8")
)

MODEL = """\
import os
import sys
import time

import numpy as np
import tensorflow as tf

KERAS_3 = os.environ["TF_USE_LEGACY_KERAS"] == "0"


def load_data():
    x = np.random.RandomState(0).rand(64, 4).astype("float32")
    return {"x": x, "y": x[:, :1], "batch_size": 8}


class Fragile(tf.keras.layers.Layer):
    def call(self, inputs):
        return inputs


def build_model():
    inputs = tf.keras.Input((4,))
    outputs = tf.keras.layers.Dense(1)(Fragile()(inputs))
    model = tf.keras.Model(inputs, outputs)
    model.compile("sgd", "mse")
    return model
"""


@dataclass(frozen=True)
class Case:
    """A way to break MODEL, and what the verdict says of it. `line`: text of the line that `where` names."""

    name: str
    swap: tuple[str, str]
    side: str
    kind: str
    says: str
    line: str | None = None
    options: tuple[str, ...] = ()
    api: bool = False
    quick: bool = False


LAYER = "        return inputs\n"
LIMITED = """\
        def limited():
            from resource import RLIMIT_AS, RLIMIT_FSIZE, setrlimit

            used = int(open("/proc/self/statm").read().split()[0]) * 4096
            if KERAS_3:
                kind, most = ({0})
                setrlimit(kind, (most, most))
                {1}
        tf.py_function(limited, [], [])
"""
"""A layer that lowers a limit of its process under Keras 3, and then does something."""
CASES = [
    Case(
        "a layer raises under Keras 3 alone",
        (LAYER, "        if KERAS_3:\n            raise OSError('no such sensor')\n        return inputs\n"),
        "keras3",
        "raised",
        "no such sensor",
        "raise OSError",
        api=True,
        quick=True,
    ),
    Case(
        "a layer raises on both sides",
        (LAYER, "        raise OSError('no such sensor')\n"),
        "legacy",
        "raised",
        "no such sensor",
        "raise OSError",
    ),
    Case(
        "the data raise under Keras 2 alone",
        ("def load_data():\n", "def load_data():\n    if not KERAS_3:\n        open('/nowhere/at/all')\n"),
        "legacy",
        "raised",
        "/nowhere/at/all",
        "open('/nowhere",
    ),
    Case(
        "the file imports what isn't installed",
        ("import numpy as np\n", "import numpy as np\nimport no_such_package\n"),
        "legacy",
        "raised",
        "no_such_package",
        "import no_such_package",
    ),
    Case(
        "the file ends the program",
        ("KERAS_3 =", "sys.exit('done')\nKERAS_3 ="),
        "legacy",
        "raised",
        "done",
        "sys.exit",
        quick=True,
    ),
    Case(
        "a side is killed while it trains",
        (
            LAYER,
            "        tf.py_function(lambda: os.kill(os.getpid(), 9) if KERAS_3 else None, [], [])\n" + LAYER,
        ),
        "keras3",
        "died",
        "SIGKILL",
    ),
    Case(
        "a side is killed while it loads its data",
        ("def load_data():\n", "def load_data():\n    if KERAS_3:\n        os.kill(os.getpid(), 9)\n"),
        "keras3",
        "died",
        "SIGKILL",
    ),
    Case(
        "a side runs out of memory in NumPy",
        (LAYER, LIMITED.format("RLIMIT_AS, used + (1 << 27)", "np.ones(1 << 28)") + LAYER),
        "keras3",
        "memory",
        "out of memory. This happened while training",
        quick=True,
    ),
    Case(
        "a side runs out of memory in TensorFlow",
        (LAYER, LIMITED.format("RLIMIT_AS, used + (1 << 27)", "tf.ones((1 << 28,)).numpy()") + LAYER),
        "keras3",
        "memory",
        "out of memory",
    ),
    Case(
        "a side may write no more to the disk",
        (LAYER, LIMITED.format("RLIMIT_FSIZE, 1000", "None") + LAYER),
        "keras3",
        "disk",
        "no room left on the disk",
    ),
    Case(
        "a side leaves by the back door",
        ("def load_data():\n", "def load_data():\n    print('last words')\n    os._exit(7)\n"),
        "legacy",
        "died",
        "exit code 7",
    ),
    Case(
        "a side hangs",
        ("def load_data():\n", "def load_data():\n    while KERAS_3:\n        time.sleep(1)\n"),
        "keras3",
        "hung",
        "15 s",
        options=("--timeout", "15"),
        quick=True,
    ),
    Case("load_data is missing", ("def load_data", "def data"), "legacy", "usage", "--data"),
    Case("build_model is missing", ("def build_model", "def network"), "legacy", "usage", "--model"),
    Case(
        "the model is not compiled",
        ('    model.compile("sgd", "mse")\n', ""),
        "legacy",
        "usage",
        "not compiled",
        quick=True,
    ),
    Case("build_model returns no model", ("    return model\n", "    return [model]\n"), "legacy", "usage", "list"),
    Case("build_model returns nothing", ("    return model\n", ""), "legacy", "usage", "NoneType"),
    Case(
        "load_data returns nothing", ('    return {"x"', '    {"x"'), "legacy", "usage", "returned nothing", quick=True
    ),
    Case("the data are empty", ("rand(64, 4)", "rand(0, 4)"), "legacy", "usage", "empty"),
    Case(
        "a key of the data is no argument of fit", ('"batch_size": 8', '"batchsize": 8'), "legacy", "usage", "batchsize"
    ),
    Case(
        "x and y are not equally long",
        ('"y": x[:, :1]', '"y": x[:60, :1]'),
        "legacy",
        "usage",
        "60",
    ),
]


def run(subject: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "kparity.cli",
        "compare",
        str(subject),
        "--steps",
        "4",
        "--out",
        str(out),
        *options,
    ]
    environment = {**os.environ, "COLUMNS": "100", "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def verdict_of(folder: Path) -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    jsonschema.validate(verdict, SCHEMA)
    return verdict


def own_traceback(ended: subprocess.CompletedProcess[str]) -> bool:
    """Whether the terminal shows a line of a traceback through kparity itself."""
    text = ended.stdout + ended.stderr
    return any(f"kparity/{part}" in text for part in ("cli.py", "compare.py", "runtime", "capture", "analysis"))


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name, marks=() if case.quick else pytest.mark.slow) for case in CASES]
)
def test_what_breaks_is_named_with_its_side_and_line(case: Case, tmp_path: Path) -> None:
    old, new = case.swap
    assert MODEL.count(old) == 1
    text = MODEL.replace(old, new)
    subject = tmp_path / "model.py"
    subject.write_text(text, encoding="utf-8")
    ended = run(subject, tmp_path / "out", *case.options)
    shown = ended.stdout + ended.stderr
    assert ended.returncode == 2, shown
    assert not own_traceback(ended), shown
    verdict = verdict_of(tmp_path / "out" / "model")
    error = verdict["error"]
    assert (verdict["verdict"], error["side"], error["kind"]) == ("error", case.side, case.kind), error
    assert case.says in error["message"], error
    file, _, line = (error["where"] or "").rpartition(":")
    if file:
        assert Path(file).parent in (tmp_path, tmp_path / "out" / "model"), "the file itself, or as migrate left it"
    if case.line is not None:
        assert file, error
        assert case.line in Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert [cause["phase"] for cause in verdict["causes"]] == (["api"] if case.api else [])
    if "last words" in new:
        assert "last words" in error["output"]


def test_a_loss_that_is_nan_on_one_side_is_a_difference_and_not_an_error(tmp_path: Path) -> None:
    subject = tmp_path / "model.py"
    subject.write_text(MODEL.replace(LAYER, "        return inputs * (float('nan') if KERAS_3 else 1.0)\n"))
    ended = run(subject, tmp_path / "out")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    first = verdict_of(tmp_path / "out" / "model")["causes"][0]
    assert (first["phase"], first["layer"], first["kind"], first["step"]) == ("forward", "fragile", "nan", 1)


@pytest.mark.slow
def test_a_loss_that_is_nan_on_both_sides_is_said_and_is_no_difference(tmp_path: Path) -> None:
    subject = tmp_path / "model.py"
    subject.write_text(MODEL.replace('"sgd"', "tf.keras.optimizers.SGD(1e30)"))
    ended = run(subject, tmp_path / "out")
    verdict = verdict_of(tmp_path / "out" / "model")
    assert verdict["causes"] == []
    assert any("finite" in note for note in verdict["notes"]), verdict["notes"]
    assert ended.returncode in (0, 3), ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def build_model(:\n", "syntax"),
        (None, "no file"),
        pytest.param("", "build_model", marks=pytest.mark.slow),
    ],
    ids=["a syntax error", "a missing file", "an empty file"],
)
def test_a_file_that_is_no_program_is_refused_in_words(text: str | None, says: str, tmp_path: Path) -> None:
    subject = tmp_path / "model.py"
    if text is not None:
        subject.write_text(text)
    ended = run(subject, tmp_path / "out")
    shown = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == 2, shown
    assert not own_traceback(ended), shown
    assert says in shown.lower(), shown
    assert "model.py" in shown
    if text is not None:
        verdict_of(tmp_path / "out" / "model")


@pytest.mark.parametrize("options", [(), pytest.param(("--no-migrate",), marks=pytest.mark.slow)])
def test_a_syntax_error_is_named_with_its_line(options: tuple[str, ...], tmp_path: Path) -> None:
    subject = tmp_path / "model.py"
    subject.write_text("import numpy\ndef build_model(:\n")
    ended = run(subject, tmp_path / "out", *options)
    assert ended.returncode == 2
    assert verdict_of(tmp_path / "out" / "model")["error"]["where"] == f"{subject}:2"


def descendants(of: int) -> list[int]:
    """Process ids below `of`, from /proc."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            state, parent = stat.rsplit(")", 1)[1].split()[:2]
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    found, wave = [], {of}
    while wave:
        wave = {pid for pid, parent in parents.items() if parent in wave}
        found += wave
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


FRAGILE = """\
        def killed():
            if KERAS_3 and os.environ.get("KILL") and model.optimizer.iterations.numpy() >= 6:
                os.kill(os.getpid(), 9)
        tf.py_function(killed, [], [])
"""


def test_a_killed_comparison_tells_what_it_knows_and_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = tmp_path / "model.py"
    subject.write_text(MODEL.replace("    model = ", "    global model\n    model = ").replace(LAYER, FRAGILE + LAYER))
    monkeypatch.setenv("KILL", "1")
    ended = run(subject, tmp_path / "out", "--steps", "12")
    verdict = verdict_of(tmp_path / "out" / "model")
    assert (ended.returncode, verdict["error"]["kind"]) == (2, "died"), ended.stdout + ended.stderr
    assert "SIGKILL" in verdict["error"]["message"]
    assert "training: legacy at step 12, keras3 at step" in verdict["error"]["stage"]
    assert verdict["sides"]["keras3"]["keras"].startswith("3")
    assert "--resume" in " ".join(verdict["notes"])
    assert (tmp_path / "out" / "model" / "report.html").exists()

    monkeypatch.delenv("KILL")
    ended = run(subject, tmp_path / "out", "--steps", "12", "--resume")
    verdict = verdict_of(tmp_path / "out" / "model")
    assert (ended.returncode, verdict["verdict"]) == (0, "equivalent"), ended.stdout + ended.stderr
    assert any("taken from the earlier run were train of legacy, seed 0" in note for note in verdict["notes"])


@pytest.mark.parametrize("room", ["12m", pytest.param("4m", marks=pytest.mark.slow)])
def test_a_full_disk_is_said_and_the_report_is_there_all_the_same(room: str, tmp_path: Path) -> None:
    subject = tmp_path / "model.py"
    subject.write_text(MODEL.replace("rand(64, 4)", "rand(64, 20000)").replace("Input((4,))", "Input((20000,))"))
    disk = tmp_path / "disk"
    disk.mkdir()
    compare = [sys.executable, "-m", "kparity.cli", "compare", str(subject), "--steps", "12", "--out", str(disk)]
    within = f"mount -t tmpfs -o size={room} none {disk} && {{ {shlex.join(compare)}; code=$?; "
    within += f"cp -r {disk} {disk}2; exit $code; }}"
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("needs a file system of its own, which this system doesn't allow")
    environment = {**os.environ, "COLUMNS": "100", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = ["unshare", "-rm", "sh", "-c", within]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    shown = ended.stdout + ended.stderr
    assert ended.returncode == 2, shown
    assert not own_traceback(ended), shown
    assert "No space left on device" in shown or "no room left on the disk" in shown
    if room == "12m":
        verdict = verdict_of(Path(f"{disk}2") / "model")
        assert verdict["error"]["kind"] == "disk"
        assert "no room" in (Path(f"{disk}2") / "model" / "report.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for orphans in /proc")
@pytest.mark.parametrize(
    ("stage", "sent"),
    [
        pytest.param("training", signal.SIGINT, id="Ctrl-C while it trains"),
        pytest.param("importing", signal.SIGINT, id="Ctrl-C while it imports", marks=pytest.mark.slow),
        pytest.param("training", signal.SIGTERM, id="SIGTERM while it trains", marks=pytest.mark.slow),
        pytest.param("importing", signal.SIGTERM, id="SIGTERM while it imports"),
        pytest.param("training", signal.SIGKILL, id="SIGKILL while it trains", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_comparison_leaves_no_process_behind(stage: str, sent: signal.Signals, tmp_path: Path) -> None:
    subject = tmp_path / "model.py"
    text = MODEL.replace(LAYER, "        tf.py_function(lambda: time.sleep(0.2), [], [])\n" + LAYER)
    subject.write_text(text.replace("KERAS_3 =", "import subprocess\nsubprocess.Popen(['sleep', '300'])\nKERAS_3 ="))
    command = [sys.executable, "-m", "kparity.cli", "compare", str(subject), "--steps", "400"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if stage in line:
            break
    time.sleep(2.0)
    below = descendants(process.pid)
    assert len(below) >= 2
    process.send_signal(sent)
    said = process.communicate(timeout=30)
    until = time.monotonic() + 10
    while any(map(alive, below)) and time.monotonic() < until:
        time.sleep(0.1)
    left = [pid for pid in below if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left
    verdict = verdict_of(tmp_path / "out" / "model")
    assert verdict["error"]["kind"] == "interrupted"
    if sent is signal.SIGKILL:
        assert "still running, or it was killed" in verdict["error"]["message"]
        return
    assert process.returncode == 2, said
    assert sent.name in verdict["error"]["message"]
    assert verdict["error"]["stage"].startswith(stage)
    assert "was interrupted" in said[0]
    assert "Traceback" not in said[0] + said[1]
