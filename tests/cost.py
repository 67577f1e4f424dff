"""What kparity costs, measured in one run and written to reports/cost.md: `python tests/cost.py [--steps 500]`.

compare is held against the two plain trainings of the same steps, run side by side (imports included); migrate against
libcst and the parser on the same files. Ratios on the machine at hand; not a test. `--only migrate` for that half.
Where others use the machine too, the ratio of CPU times says more than that of the wall.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = tuple(ROOT / "fixtures" / f"{name}.py" for name in ("encoder_decoder", "resnet", "attention"))
LARGE = ROOT / "tests" / "cost_subjects" / "resnet50.py"
FIXED, TIMES = 15.0, 1.5
"""What compare may take: seconds whatever the training, and as many times the wall and the memory of the training."""

PLAIN = """
import runpy, sys
import tensorflow as tf

subject = runpy.run_path(sys.argv[1])
steps = int(sys.argv[2])


class Enough(Exception):
    pass


class Stop(tf.keras.callbacks.Callback):
    seen = 0

    def on_train_batch_end(self, batch, logs=None):
        Stop.seen += 1
        if Stop.seen == steps:
            raise Enough


arguments = subject["load_data"]()
arguments.pop("validation_data", None)
try:
    subject["build_model"]().fit(epochs=10**6, verbose=0, callbacks=[Stop()], **arguments)
except Enough:
    pass
"""


def run(commands: list[tuple[list[str], dict[str, str]]]) -> tuple[float, list[float], float]:
    """Start the commands at once; returns wall seconds until the last has ended, each one's peak memory in MB, and the
    CPU seconds of all, with those of what they started."""
    started = time.monotonic()
    processes = [
        subprocess.Popen(
            command,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **extra},
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for command, extra in commands
    ]
    peaks, busy = [], 0.0
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        peaks.append(usage.ru_maxrss / 1024)
        busy += usage.ru_utime + usage.ru_stime
    return time.monotonic() - started, peaks, busy


def compared(subject: Path, steps: int, out: Path, *options: str) -> tuple[float, float, dict[str, Any]]:
    """Wall and CPU seconds of a comparison, and its verdict."""
    command = [sys.executable, "-m", "kparity.cli", "compare", str(subject), "--steps", str(steps), "--out", str(out)]
    wall, _, busy = run([([*command, *options], {})])
    verdict = json.loads((out / subject.stem / "verdict.json").read_text(encoding="utf-8"))
    if verdict["verdict"] == "error":
        raise SystemExit(f"{subject.stem}: {verdict['error']}")
    return wall, busy, verdict


def compare_cost(subject: Path, steps: int, scratch: Path) -> str:
    """One row of the table: a subject."""
    name, out = subject.stem, scratch / "reports"
    wall, busy, verdict = compared(subject, steps, out)
    migrated = out / name / "keras3" / subject.name
    migrated = migrated if migrated.exists() else out / name / f"{name}_keras3.py"
    here = scratch / f"{name}_keras3.py"
    here.write_text(migrated.read_text(encoding="utf-8"), encoding="utf-8")
    plain_wall, plain_peaks, plain_busy = run(
        [
            ([sys.executable, "-c", PLAIN, str(subject), str(steps)], {"TF_USE_LEGACY_KERAS": "1"}),
            ([sys.executable, "-c", PLAIN, str(here), str(steps)], {"TF_USE_LEGACY_KERAS": "0"}),
        ]
    )
    cost = verdict["cost"]
    peaks = [cost["peak_mb"][side] for side in ("legacy", "keras3")]
    memory = max(mine / theirs for mine, theirs in zip(peaks, plain_peaks, strict=True))
    inert = {side: told["equal"] for side, told in cost["inert"].items()}
    may = FIXED + TIMES * plain_wall
    return (
        f"| {name} | {steps} | {plain_wall:.1f} | {may:.1f} | **{wall:.1f}** | {plain_busy:.1f} | "
        f"{busy:.1f} | {plain_peaks[0]:.0f} / {plain_peaks[1]:.0f} | {peaks[0]:.0f} / {peaks[1]:.0f} | "
        f"**{memory:.2f}** | {cost['trace_bytes'] / 1e6 / steps:.2f} | "
        f"{'yes' if all(inert.values()) else inert} | {verdict['verdict']} |"
    )


def seeds_cost(subject: Path, steps: int, scratch: Path) -> str:
    """One row of the table of seeds: one seed against five."""
    one, five = (compared(subject, steps, scratch / f"seeds-{n}", "--seeds", str(n))[:2] for n in (1, 5))
    return (
        f"| {subject.stem} | {steps} | {one[0]:.1f} | {five[0]:.1f} | **{five[0] / one[0]:.2f}** | {one[1]:.1f} | "
        f"{five[1]:.1f} | {five[1] / one[1]:.2f} |"
    )


def migrate_cost(scratch: Path) -> list[str]:
    """migrate, libcst and the parser on the same files: the source of tf_keras as if a user had written it."""
    import ast

    import libcst

    from kparity.codemod.files import mentions
    from kparity.codemod.migrate import migrate_source

    spec = find_spec("tf_keras")
    assert spec is not None
    assert spec.submodule_search_locations
    files = sorted(Path(spec.submodule_search_locations[0]).rglob("*.py"))
    texts = [file.read_text(encoding="utf-8").replace("tf_keras.src", "tensorflow.keras") for file in files]
    names = [str(file) for file in files]
    done = [migrate_source(text, name) for text, name in zip(texts, names, strict=True)]
    clean = [result.text for result in done]
    others = [file.read_bytes() for file in sorted(Path(libcst.__file__).parent.rglob("*.py"))]

    def seconds(work: Callable[[Any, str], object], given: list[Any]) -> float:
        best = float("inf")
        for _ in range(3):
            started = time.process_time()
            for text, name in zip(given, names, strict=False):
                work(text, name)
            best = min(best, time.process_time() - started)
        return best

    parse, print_ = seconds(lambda t, _: ast.parse(t), texts), seconds(lambda t, _: libcst.parse_module(t).code, texts)
    edits, again = seconds(migrate_source, texts), seconds(migrate_source, clean)
    parse_clean = seconds(lambda t, _: ast.parse(t), clean)
    passed = 1000 * seconds(lambda data, _: mentions(data), others) / min(len(others), len(names))
    fixed = sum(str(f.outcome) == "fixed" for result in done for f in result.findings)
    size = sum(len(text) for text in texts) / 1e6
    lines = [
        f"The source of tf_keras with `tf_keras.src` spelled `tensorflow.keras`: {len(texts)} files, {size:.1f} MB; "
        "one process, CPU time, best of three:",
        "",
        f"- {fixed} edits: {edits:.2f} s, **{edits / print_:.2f}** of libcst parsing and printing the same files "
        f"({print_:.2f} s), {edits / parse:.1f} times `ast.parse` ({parse:.2f} s)",
        f"- nothing to do (what that run left): {again:.2f} s, **{again / parse_clean:.2f}** times `ast.parse` "
        f"({parse_clean:.2f} s)",
        f"- files without a word of Keras (libcst's own): {passed:.3f} ms each",
    ]
    folder = scratch / "many"
    folder.mkdir()
    for number in range(2000):
        (folder / f"m{number}.py").write_text(clean[number % len(clean)], encoding="utf-8")
    command = [sys.executable, "-m", "kparity.cli", "migrate", "--check", "--format", "json"]
    installed = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(scratch / "bytecode")}
    first, peaks, _ = run([([*command, str(folder)], installed)])
    repeated = [run([([*command, str(folder)], installed)]) for _ in range(3)]
    second, second_peaks, second_busy = min(repeated, key=lambda one: one[2])
    few = scratch / "few"
    few.mkdir()
    for number in range(200):
        (few / f"m{number}.py").write_text(clean[number % len(clean)], encoding="utf-8")
    _, few_peaks, _ = run([([*command, "--no-cache", str(few)], installed)])
    (scratch / "clean.py").write_text("import keras\n", encoding="utf-8")
    started, single, typer = (
        min(run([(one, installed)])[2] for _ in range(5))
        for one in (
            [sys.executable, "-m", "kparity.cli", "--help"],
            [*command[:4], str(scratch / "clean.py")],
            [sys.executable, "-c", "import typer"],
        )
    )
    return [
        *lines,
        f"- 2,000 files: {first:.1f} s (wall), unchanged a second time {second:.2f} s ({second_busy:.2f} s of CPU "
        f"time, the best of three); peak memory {peaks[0]:.0f} MB (second run {second_peaks[0]:.0f} MB, 200 files "
        f"{few_peaks[0]:.0f} MB)",
        f"- start-up, with bytecode as an installation has it: `kparity --help` {started:.2f} s of CPU time, "
        f"`kparity migrate` of one clean file {single:.2f} s; `import typer` alone {typer:.2f} s",
    ]


def main() -> None:
    """Measure one half or both, and write the report; the other half stays as it was measured last."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--only", choices=["compare", "migrate"])
    arguments = parser.parse_args()
    steps = arguments.steps
    report = ROOT / "reports" / "cost.md"
    was = report.read_text(encoding="utf-8").partition("\n## migrate\n") if report.exists() else ("", "", "")
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    top, below = was[0].rstrip(), was[2].strip()
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.only != "migrate":
            folder = Path(scratch)
            rows = [compare_cost(subject, steps, folder) for subject in (*FIXTURES, LARGE)]
            seeds = [seeds_cost(subject, steps, folder) for subject in FIXTURES]
            top = "\n".join(
                [
                    "# Cost",
                    "",
                    "`python tests/cost.py`; each half in one run.",
                    "",
                    "## compare",
                    "",
                    f"On {machine}. *plain*: the two trainings of the same steps with `fit`, side by side, imports "
                    f"included. *compare*: the whole command; it may take {FIXED:.0f} s and {TIMES} times *plain*, and "
                    f"{TIMES} times its memory. CPU: of all processes; where others use the machine, it says more than "
                    "the wall. Memory: peak of the legacy / Keras 3 process. Trace: what stays in reports/, a step. "
                    "Inert: whether recording left the first step's reported values equal, bit for bit.",
                    "",
                    "| subject | steps | plain, s | may, s | compare, s | plain, CPU s | compare, CPU s | plain, MB | "
                    "compare, MB | largest ratio | trace, MB a step | inert | verdict |",
                    "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
                    *rows,
                    "",
                    "Five seeds against one:",
                    "",
                    "| subject | steps | one, s | five, s | times | one, CPU s | five, CPU s | times |",
                    "|---|---|---|---|---|---|---|---|",
                    *seeds,
                ]
            )
        if arguments.only != "compare":
            below = "\n".join([f"On {machine}.", "", *migrate_cost(Path(scratch))])
    text = f"{top}\n\n## migrate\n\n{below}\n"
    report.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
