"""One side of the proof of the rules, a process of its own: runs every rule's snippet, writes what its probe gave.

Called by test_rules as `python rule_side.py legacy|keras3 RULES.json OUT.json`, with TF_USE_LEGACY_KERAS set to match.
"""

import contextlib
import io
import json
import sys
import tempfile
import traceback
from pathlib import Path


def plain(value, np):
    """The probe's value as lists, numbers and strings."""
    if isinstance(value, dict):
        return {str(key): plain(item, np) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, np) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return np.asarray(value, "float64").tolist()


def main(side, rules, out):
    import numpy as np
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)  # loads the Keras that the environment asks for
    found = {}
    for rule in rules:
        snippet = (rule["reference"] or rule["before"]) if side == "legacy" else rule["after"]
        space = {"np": np, "tf": tf, "__name__": "__snippet__"}
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            tf.keras.utils.set_random_seed(1)
            quiet = io.StringIO()
            try:
                with contextlib.redirect_stdout(quiet):
                    exec(compile(rule["setup"] + "\n" + snippet, rule["id"], "exec"), space)
                    found[rule["id"]] = {"value": plain(eval(rule["probe"], space), np)}
            except BaseException:
                found[rule["id"]] = {"error": traceback.format_exc(limit=-4)}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), sys.argv[3])
