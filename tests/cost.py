"""What kparity costs, measured in one run and written to reports/cost.md: `python tests/cost.py [--steps 500]`.

compare is held against the two plain trainings of the same steps, run side by side (imports included); migrate against
libcst parsing and printing the same files. Ratios of whole processes on the machine at hand; not a test.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ("encoder_decoder", "resnet", "attention")

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


def run(commands: list[tuple[list[str], dict[str, str]]]) -> tuple[float, list[float]]:
    """Start the commands at once; returns wall seconds until the last has ended, and each one's peak memory in MB."""
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
    peaks = []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        peaks.append(usage.ru_maxrss / 1024)
    return time.monotonic() - started, peaks


def compare_cost(name: str, steps: int, scratch: Path) -> str:
    """One row of the table: a fixture."""
    out = scratch / "reports"
    subject = ROOT / "fixtures" / f"{name}.py"
    command = [sys.executable, "-m", "kparity.cli", "compare", str(subject), "--steps", str(steps), "--out", str(out)]
    wall, _ = run([(command, {})])
    verdict = json.loads((out / name / "verdict.json").read_text(encoding="utf-8"))
    if verdict["verdict"] == "error":
        raise SystemExit(f"{name}: {verdict['error']}")
    migrated = scratch / f"{name}_keras3.py"
    migrated.write_text((out / name / f"{name}_keras3.py").read_text(encoding="utf-8"), encoding="utf-8")
    plain_wall, plain_peaks = run(
        [
            ([sys.executable, "-c", PLAIN, str(subject), str(steps)], {"TF_USE_LEGACY_KERAS": "1"}),
            ([sys.executable, "-c", PLAIN, str(migrated), str(steps)], {"TF_USE_LEGACY_KERAS": "0"}),
        ]
    )
    peaks = [verdict["cost"]["peak_mb"][side] for side in ("legacy", "keras3")]
    memory = max(mine / theirs for mine, theirs in zip(peaks, plain_peaks, strict=True))
    trace = verdict["cost"]["trace_bytes"] / 1e6
    return (
        f"| {name} | {plain_wall:.1f} | {wall:.1f} | **{wall / plain_wall:.2f}** | "
        f"{plain_peaks[0]:.0f} / {plain_peaks[1]:.0f} | {peaks[0]:.0f} / {peaks[1]:.0f} | {memory:.2f} | {trace:.0f} |"
    )


def migrate_cost() -> list[str]:
    """Files a second of migrate and of libcst alone, each in this process, on the source of tf_keras' layers."""
    import libcst

    from kparity.codemod.migrate import migrate_source

    spec = find_spec("tf_keras")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "src"
    files = sorted([*(folder / "layers").rglob("*.py"), *(folder / "applications").rglob("*.py")])
    texts = [
        (str(file), file.read_text(encoding="utf-8").replace("tf_keras.src", "tensorflow.keras")) for file in files
    ]
    texts = [(path, text) for path, text in texts if text.strip()]
    seconds = {}
    for label, work in (
        ("libcst", lambda path, text: libcst.parse_module(text).code),
        ("migrate", lambda path, text: migrate_source(text, path)),
    ):
        work(*texts[0])
        started = time.process_time()
        for path, text in texts:
            work(path, text)
        seconds[label] = time.process_time() - started
    size = sum(len(text) for _, text in texts) / 1e6
    rates = {label: len(texts) / spent for label, spent in seconds.items()}
    return [
        f"{len(texts)} files, {size:.1f} MB of Keras code (the layers and applications of tf_keras, imported as "
        "`tensorflow.keras`), one process, CPU time:",
        "",
        f"- libcst, parse and print alone: {rates['libcst']:.1f} files a second",
        f"- migrate, everything: {rates['migrate']:.1f} files a second: "
        f"**{rates['migrate'] / rates['libcst']:.1f} times as many**",
    ]


def main() -> None:
    """Measure everything and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=500)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as scratch:
        rows = [compare_cost(name, steps, Path(scratch)) for name in FIXTURES]
    lines = [
        "# Cost",
        "",
        f"`python tests/cost.py --steps {steps}` on {os.cpu_count()} cores, Python {platform.python_version()}; all in "
        "one run.",
        "",
        "## compare",
        "",
        "*plain*: the two trainings of the same steps with `fit`, side by side, imports included. *compare*: the whole "
        "command. Memory: peak of the legacy / Keras 3 process. Trace: what stays in reports/.",
        "",
        "| subject | plain, s | compare, s | ratio | plain, MB | compare, MB | largest ratio | trace, MB |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
        "## migrate",
        "",
        *migrate_cost(),
        "",
    ]
    (ROOT / "reports" / "cost.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
