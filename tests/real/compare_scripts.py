"""Public scripts, given to compare as they are: what it says of code that nobody wrote for it.

    python tests/real/compare_scripts.py --work DIR [--only WORD] [--steps 6] [--report reports/compared.md]

`--work` is what run_scripts left: its scripts (their code never enters this repository), made-up data, and which of
them train under both Kerases. What is there already isn't compared again. A side is a process that has its Keras
imported and finds made-up data; it is forked for every script (see tests/exam/bench.py).
"""

import argparse
import importlib
import json
import os
import re
import shutil
import socket
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "exam")]

import bench  # noqa: E402
import make_files  # noqa: E402

SECONDS = 240.0
"""Without a sign of life from a side."""


def scripts():
    """Name -> its entry in scripts.toml."""
    found = {}
    for source in tomllib.loads((HERE / "scripts.toml").read_text("utf-8"))["source"]:
        for one in source["scripts"]:
            entry = one if isinstance(one, dict) else {"path": one}
            found[f"{source['name']}/{Path(entry['path']).stem}"] = entry
    return found


def trains(work, name):
    """Whether a script ran under both Kerases, and reported a loss."""
    results = {
        side: [
            json.loads(file.read_text("utf-8")) for file in (work / "results").iterdir() if file.name.startswith(start)
        ]
        for side in ("legacy", "keras3")
        for start in [f"{name.replace('/', '~')}.{side}."]
    }
    return all(any(r["ok"] for r in told) for told in results.values()) and any(r["losses"] for r in results["legacy"])


def compared(work, name, entry, steps):
    """The verdict on a script, run in a folder of its own."""
    import kparity.compare
    from kparity.options import Options

    folder = work / "comparisons" / name.replace("/", "~")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "here").mkdir(parents=True)
    make_files.placed(entry.get("files", []), folder / "here")
    os.environ["COMPARED_IN"] = str(folder / "here")
    asked = Options(
        work / "before" / f"{name}.py", folder, steps, arguments=tuple(entry.get("args", [])), timeout=SECONDS
    )
    began = time.monotonic()
    with bench.ready(False):
        verdict = kparity.compare.compare(asked, lambda *_: None)
    shutil.rmtree(folder / "trace", ignore_errors=True)
    return {key: verdict[key] for key in ("verdict", "causes", "notes", "error")} | {
        "seconds": round(time.monotonic() - began)
    }


def side(name, connection):
    """Serve as a side: its Keras imported, with made-up data in the place of downloads."""
    import small_data

    class Quiet(small_data.Shim):
        def training(self):
            """Training is compare's."""

    Quiet(name)
    bench.IMPORTED[name] = bench.IMPORTED[name][:1]
    capture = importlib.import_module("kparity.capture.__main__")
    begin = capture.main

    def there():
        os.chdir(os.environ["COMPARED_IN"])
        begin()

    capture.main = there
    bench.serve(name, connection)


def cause(one):
    """A cause in a few words."""
    what = one["rule"] or one["kind"]
    return f"{one['phase']} {one['layer'] or one['variable'] or ''}".strip() + f" ({what}{', proven' * one['proven']})"


def report(found):
    """The table of all scripts that were compared."""
    counts = {word: sum(one["verdict"] == word for one in found.values()) for word in ("equivalent", "different")}
    lines = [
        "# Public scripts, compared",
        "",
        f"{len(found)} public scripts that train under both Kerases, given to `kparity compare` as they are, with "
        f"made-up data: {counts['equivalent']} equivalent, {counts['different']} different, "
        f"{len(found) - sum(counts.values())} not finished.",
        "",
        "Made by `python tests/real/compare_scripts.py --work DIR --report reports/compared.md`.",
        "",
        "| script | verdict | causes |",
        "|---|---|---|",
    ]
    for name, one in sorted(found.items()):
        said = (
            "; ".join(map(cause, one["causes"])) or " ".join(str((one["error"] or {}).get("message", "")).split())[:150]
        )
        lines.append(f"| {name} | {one['verdict']} | {said} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    work = given.work.resolve()
    bench.__file__ = __file__
    os.environ |= {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
        "SMALL_DATA": str(work / "data"),
        "HOME": str(work / "home"),
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    kept = work / "compared"
    kept.mkdir(exist_ok=True)
    for name, entry in scripts().items():
        file = kept / f"{name.replace('/', '~')}.json"
        if not re.search(given.only, name) or file.exists() or not trains(work, name):
            continue
        found = compared(work, name, entry, given.steps)
        file.write_text(json.dumps(found), "utf-8")
        print(
            f"{name}: {found['verdict']} ({found['seconds']} s)", *map(cause, found["causes"]), sep="\n    ", flush=True
        )
    if given.report:
        found = {file.stem.replace("~", "/"): json.loads(file.read_text("utf-8")) for file in kept.iterdir()}
        given.report.write_text(report(found), "utf-8")


if __name__ == "__main__":
    if sys.argv[1] in bench.IMPORTED:
        side(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
    else:
        main()
