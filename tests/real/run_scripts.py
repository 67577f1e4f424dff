"""Public Keras 2 scripts, run before and after migrate: which still run, and if not, did a finding say so?

    python tests/real/run_scripts.py --clones DIR --work DIR [--only WORD] [--report reports/scripts.md]

`--clones` holds bare clones named owner+name of what scripts.toml lists (their code never enters this repository);
`--work` keeps scripts, migrated copies, logs and results between runs: what hasn't changed isn't run again. Each script
runs on Keras 2, a copy goes through `kparity migrate`, and the copy runs on Keras 3, with no edit by hand.
"""

import argparse
import difflib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import make_files
import script_report

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SIDES = ("legacy", "keras3")
SECONDS = 150
UNRUNNABLE = re.compile(r"no small data|No module named '(?!keras|tf_keras|tensorflow)|ran past its time|process died")
"""What keeps a script from running on any Keras here: no use in trying the other side."""


class Side:
    """A warm process of one Keras; started when it is first needed."""

    def __init__(self, name, work):
        self.name, self.work, self.process = name, work, None

    def start(self):
        log = (self.work / f"{self.name}.log").open("w")
        environment = {
            **os.environ,
            "TF_USE_LEGACY_KERAS": "1" if self.name == "legacy" else "0",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "CUDA_VISIBLE_DEVICES": "-1",
            "MPLBACKEND": "Agg",
            "SMALL_DATA": str(self.work / "data"),
            "KERAS_BACKEND": "tensorflow",
            "HOME": str(self.work / "home"),
        }
        command = ["nice", "-n", "5", sys.executable, str(HERE / "script_side.py"), self.name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        )

    def ask(self, request):
        if self.process is None:
            self.start()
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"the {self.name} side died: {self.work / self.name}.log")
        return json.loads(answer)

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()


def as_script(text, path):
    """Python source of a script, or of a notebook's code cells with magics and shell lines out."""
    if not path.endswith(".ipynb"):
        return text
    cells = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and not source.lstrip().startswith("%%"):
            source = re.sub(
                r"^(\s*)!mkdir (?:-p )?(\S+) *$",
                r"\1__import__('os').makedirs('\2', exist_ok=True)",
                source,
                flags=re.M,
            )
            cells.append(re.sub(r"^(\s*)[!%].*$", r"\1pass", source, flags=re.MULTILINE))
    return "\n\n".join(cells) + "\n"


def collect(clones, work, only):
    """The scripts of scripts.toml under work/before: [{name, source, options}]."""
    found = []
    for source in tomllib.loads((HERE / "scripts.toml").read_text("utf-8"))["source"]:
        folder = clones / source["repository"].replace("/", "+")
        git = next(
            (p for p in (folder / "repo" / ".git", folder / "repo", folder / ".git", folder) if p.exists()), folder
        )
        for path in source["scripts"]:
            options = {}
            if isinstance(path, dict):
                options, path = path, path["path"]
            name = f"{source['name']}/{Path(path).stem}"
            if only and not re.search(only, name):
                continue
            full = f"{source.get('folder', '')}/{path}".lstrip("/")
            shown = subprocess.run(["git", "-C", git, "show", f"{source['commit']}:{full}"], capture_output=True)
            if shown.returncode:
                print(f"{name}: not there ({shown.stderr.decode().strip()[:100]})")
                continue
            target = work / "before" / f"{name}.py"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(as_script(shown.stdout.decode("utf-8"), path), "utf-8")
            found.append({"name": name, "path": full, "source": source, "options": options})
    return found


def migrate(work, scripts, unsafe):
    """The findings, by script; the migrated copies under work/after or work/unsafe."""
    target = work / ("unsafe" if unsafe else "after")
    shutil.rmtree(target, ignore_errors=True)
    for script in scripts:
        copy = target / f"{script['name']}.py"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(work / "before" / f"{script['name']}.py", copy)
    command = [sys.executable, "-m", "kparity.cli", "migrate", "--format", "json", str(target)]
    command += ["--unsafe-fixes"] if unsafe else []
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=work, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    if not done.stdout or "Traceback" in done.stderr:
        raise SystemExit(f"migrate failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout), target


def run(side, work, script, file):
    """What became of the script on this side; kept as long as the script and the harness are the same."""
    options = script["options"]
    text = file.read_bytes() + json.dumps(options, sort_keys=True).encode()
    key = hashlib.sha256(text).hexdigest()
    kept = work / "results" / f"{script['name'].replace('/', '~')}.{side.name}.{key[:16]}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    kept.parent.mkdir(exist_ok=True)
    folder = work / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    make_files.placed(options.get("files", []), folder)
    log = work / "logs" / f"{script['name'].replace('/', '~')}.{side.name}.txt"
    log.parent.mkdir(exist_ok=True)
    request = {"script": str(file), "folder": str(folder), "args": options.get("args", []), "log": str(log)}
    result = side.ask({**request, "seconds": options.get("seconds", SECONDS)})
    kept.write_text(json.dumps(result))
    return result


def original_line(before, after, line):
    """The line of the script that a line of its migrated copy came from."""
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if j1 < line <= j2:
            return i1 + (line - j1) if tag == "equal" else min(i1 + (line - j1), i2)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", help="only scripts whose name matches this")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--unsafe", action="store_true", help="also run what --unsafe-fixes makes of the failing ones")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    (work / "home").mkdir(parents=True, exist_ok=True)
    scripts = collect(arguments.clones, work, arguments.only)
    sides = {name: Side(name, work) for name in SIDES}
    findings, after = migrate(work, scripts, False)
    for script in scripts:
        script["before"] = run(sides["legacy"], work, script, work / "before" / f"{script['name']}.py")
        say(script, "before")
        if script["before"]["ok"] or not UNRUNNABLE.search(script["before"]["error"]):
            file = after / f"{script['name']}.py"
            script["after"] = run(sides["keras3"], work, script, file)
            script["told"] = told(findings, file, script, work)
            say(script, "after")
        if arguments.report:  # after each: what is done isn't lost
            done = [s for s in scripts if s.get("after") or not s.get("before", {"ok": True})["ok"]]
            arguments.report.write_text(script_report.table(done), "utf-8")
    sides["legacy"].stop()
    counted = [s for s in scripts if s["before"]["ok"]]
    if arguments.unsafe:
        _, target = migrate(work, scripts, True)
        for script in counted:
            if not script["after"]["ok"]:
                script["unsafe"] = run(sides["keras3"], work, script, target / f"{script['name']}.py")
                say(script, "unsafe")
    sides["keras3"].stop()
    good = sum(s["after"]["ok"] for s in counted)
    print(f"{len(scripts)} scripts, {len(counted)} run under Keras 2, {good} of them under Keras 3 after migrate")
    if arguments.report:
        arguments.report.write_text(script_report.table(scripts), "utf-8")


def told(findings, file, script, work):
    """What migrate left to the user in this script, nearest to the line where it failed first."""
    mine = [f for file_ in findings["files"] if file_["path"] == str(file) for f in file_["findings"]]
    left = [f for f in mine if f["outcome"] != "fixed"]
    if script["after"]["ok"]:
        return []
    before = (work / "before" / f"{script['name']}.py").read_text("utf-8").splitlines()
    line = original_line(before, file.read_text("utf-8").splitlines(), script["after"]["at"])
    script["line"] = line
    return sorted(left, key=lambda f: abs(f["place"]["line"] - line))[:3]


def say(script, when):
    result = script[when]
    state = "ok " if result["ok"] else "BAD"
    where = "" if result["ok"] else f"line {script.get('line', result.get('at'))}"
    near = "; ".join(f"{f['rule']}@{f['place']['line']}" for f in script.get("told", [])) if when == "after" else ""
    print(
        f"{state} {when:6} {result['seconds']:6.1f}s {script['name']:48} {result.get('losses') or ''} "
        f"{result.get('error', '')[:220]} {where} {near}",
        flush=True,
    )


if __name__ == "__main__":
    main()
