"""One side's process: `python -m kparity.capture.silent.side SIDE PASS OUT [KEYS.json]` runs the cases and leaves
OUT.npz (arrays, by case and name) and OUT.json (what was raised, what this Keras doesn't have, versions).

Started by __main__ once a side and pass. PASS is float32, moved or float64; KEYS limits the cases.
"""

import contextlib
import gc
import io
import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np


def main(name: str, mode: str, out: str, keys: str | None) -> None:
    warnings.simplefilter("ignore")
    import tensorflow as tf

    from kparity.capture import sides

    tf.get_logger().setLevel("ERROR")
    side: Any = sides.load(name)
    from kparity.capture.silent.tables import cases
    from kparity.capture.silent.tools import Tools

    wanted = set(json.loads(Path(keys).read_text("utf-8"))) if keys else None
    dtype = "float64" if mode == "float64" else "float32"
    arrays: dict[str, np.ndarray] = {}
    notes: dict[str, Any] = {"raised": {}, "absent": [], "seconds": {}}
    home = Path.cwd()
    gc.collect()
    gc.freeze()  # clearing a session collects garbage each time: not in everything that was imported, too
    for case in cases():
        if (wanted is not None and case.key not in wanted) or (mode == "float64" and not case.doubles):
            continue
        side.clear()
        side.keras.backend.set_floatx(dtype)
        side.keras.utils.set_random_seed(0)
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    found = case.run(Tools(side, dtype, mode == "moved", case.precision))
            except NotHere as error:
                notes["absent"].append(case.key)
                notes["raised"][case.key] = str(error)
                continue
            except Exception as error:
                notes["raised"][case.key] = (
                    f"{type(error).__name__}: {str(error).strip().splitlines()[0][:300] if str(error).strip() else ''}"
                )
                continue
            finally:
                os.chdir(home)
        notes["seconds"][case.key] = round(time.perf_counter() - started, 3)
        for array, value in found.items():
            value = np.asarray(value)
            value = value.astype(np.float32) if value.dtype.name == "bfloat16" else value
            arrays[f"{case.key}\t{array}"] = value.astype("U") if value.dtype.kind in "OS" else value
    identity = side.identity()
    notes["versions"] = {"keras": identity["keras"], "tensorflow": tf.__version__, "numpy": np.__version__}
    np.savez(out + ".npz", **{str(n): value for n, value in enumerate(arrays.values())})
    Path(out + ".json").write_text(json.dumps({**notes, "names": list(arrays)}), "utf-8")


class NotHere(Exception):
    """This Keras doesn't have what the case is about: not a silent change."""


if __name__ == "__main__":
    # the module again by its real name: cases raise the NotHere of that one
    from kparity.capture.silent import side as real

    real.main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
