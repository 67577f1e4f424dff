"""One Keras, warm: imports TensorFlow once, then runs each script that it is sent in a forked child.

Started by run_scripts as `python script_side.py legacy|keras3`, with TF_USE_LEGACY_KERAS set to match. Comes in: a JSON
line a script (`script`, `folder` to run in, `args`, `seconds`). Goes out: a JSON line (`ok`, `error`, `at`, `losses`).
Scripts aren't edited: training is cut short around them, on both sides alike (`shorten`), data made up (`small_data`).
"""

import ast
import builtins
import json
import os
import re
import signal
import sys
import time
import traceback
import types
from pathlib import Path

TRAINING = {"train_on_batch", "GradientTape", "fit", "fit_generator", "apply_gradients", "minimize", "train_step"}
USING = {"predict", "predict_on_batch", "predict_classes", "evaluate", "test_on_batch", "evaluate_generator"}
ROUNDS = 2
"""How often the body of a loop that trains is run; a loop that only predicts runs for up to SECONDS."""
SECONDS = 2.0
PATIENCE = 8
"""How many times longer a script may take by the clock, on a machine that is busy with other things."""


def capped(items, rounds):
    """The items, no more than so many; None: those that are reached before the time is over, but at least twenty."""
    start = time.monotonic()
    for count, item in enumerate(items):
        if count >= (rounds or 20) and (rounds or time.monotonic() - start > SECONDS):
            return
        yield item


class _Loops(ast.NodeTransformer):
    def __init__(self, training, using):
        self.training, self.using = training, using

    def rounds(self, node):
        called = _called(node)
        return ROUNDS if called & self.training else 0 if called & self.using else None

    def visit_For(self, node):
        self.generic_visit(node)
        rounds = self.rounds(node)
        if rounds is not None:
            arguments = [node.iter, ast.Constant(rounds)]
            node.iter = ast.Call(ast.Name("__capped__", ast.Load()), arguments, [])
        return node

    def visit_While(self, node):
        self.generic_visit(node)
        rounds = self.rounds(node)
        if rounds is None:
            return node
        name = f"__round_{node.lineno}"
        stop = ast.parse(f"{name} += 1\nif {name} > {ROUNDS * 3}: break").body
        node.body[:0] = stop
        return [*ast.parse(f"{name} = 0").body, node]

    def visit_FunctionDef(self, node):
        # a loop in a compiled function is staged by TensorFlow, which has no use for a Python generator
        compiled = any("function" in ast.unparse(d) for d in node.decorator_list)
        methods = {"call", "train_step", "test_step", "build", "get_config"}
        return node if compiled or node.name in methods else self.generic_visit(node)


def _called(node):
    names = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            called = inner.func
            names.add(called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""))
    return names


def shorten(tree):
    """Loops that train, directly or through the script's own functions, run a few rounds."""
    training, using = set(TRAINING), set(USING)
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    for _ in range(5):
        for function in functions:
            if function.name not in {"__init__", "call", "build", "__call__"}:
                called = _called(function)
                if not isinstance(function, ast.ClassDef):
                    training |= {function.name} if called & training else set()
                    using |= {function.name} if called & using else set()
    return ast.fix_missing_locations(_Loops(training, using).visit(tree))


def run(request, shim):
    """In the child: the script as `__main__`, and what became of it."""
    import numpy as np
    import tensorflow as tf

    np.random.seed(0)
    tf.random.set_seed(0)
    path = request["script"]
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = [path, *request.get("args", [])]
    sys.path.insert(0, str(Path(path).parent))
    builtins.__capped__ = capped
    result = {"ok": True}
    try:
        tree = shorten(ast.parse(Path(path).read_text("utf-8-sig")))
        exec(compile(tree, path, "exec"), vars(module))
    except SystemExit as stop:
        if stop.code:
            result = {"ok": False, "error": f"SystemExit: {stop.code}", "at": 0}
    except BaseException as error:
        traceback.print_exc()
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        # compiled code is run from elsewhere: its own line stands in the message
        lines += map(int, re.findall(rf'File "{re.escape(path)}", line (\d+)', str(error)))
        words = " ".join(str(error).split())
        result = {"ok": False, "error": f"{type(error).__name__}: {words[:300]}", "at": lines[-1] if lines else 0}
    return {**result, "losses": shim.losses[-1:]}


def child(request, shim):
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(request["folder"])
    result = run(request, shim)
    sys.stdout.flush()
    sys.stderr.flush()
    Path(request["log"] + ".json").write_text(json.dumps(result))
    os._exit(0)


def wait(pid, seconds):
    """Has the child ended by itself within the time? Where others keep the cores, its own seconds of work count."""
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds or (elapsed < PATIENCE * seconds and worked(pid) < seconds):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return False


def worked(pid):
    """Seconds that the cores spent on a process; more than any limit where the system doesn't say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(side):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, str(Path(__file__).parent))
    import small_data

    shim = small_data.Shim(side)
    for line in sys.stdin:
        request = json.loads(line)
        Path(request["log"] + ".json").unlink(missing_ok=True)
        start = time.monotonic()
        pid = os.fork()
        if pid == 0:
            child(request, shim)
        ended = wait(pid, request["seconds"])
        written = Path(request["log"] + ".json")
        if written.exists():
            result = json.loads(written.read_text())
        else:
            result = {"ok": False, "at": 0, "error": "the process died" if ended else "ran past its time"}
        print(json.dumps({**result, "seconds": round(time.monotonic() - start, 1)}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
