"""A fixture, migrated in memory, under Keras 3: builds, trains a few steps, saves and loads. Prints the losses as JSON.

Called by test_fixtures_run_on_keras3 as `python fixture_side.py FILE legacy|keras3`: on legacy the file runs as it is.
"""

import json
import sys
import tempfile
import types
from pathlib import Path

HARMLESS = {"KP271"}
"""Told, and rightly: the decoder doesn't see its mask. Padding stands last there, and no loss reads it."""


def batches(given, count):
    """The first batches of what load_data() gives to fit."""
    x = given["x"]
    if isinstance(x, (list, tuple)):
        size = given.get("batch_size", 32)
        for step in range(count):
            rows = slice(step * size, (step + 1) * size)
            yield [part[rows] for part in x], given["y"][rows]
    elif hasattr(x, "__getitem__"):
        yield from (x[step] for step in range(count))
    else:
        yield from x.take(count)


def main(path, side):
    from kparity.codemod.migrate import migrate_source

    text = Path(path).read_text("utf-8")
    if side == "keras3":
        done = migrate_source(text, path)
        left = [f for f in done.findings if f.outcome in ("unsafe", "manual", "failed") and f.rule not in HARMLESS]
        assert not left, left
        text = done.text
    module = types.ModuleType("subject")
    sys.modules["subject"] = module
    exec(compile(text, path, "exec"), module.__dict__)

    import numpy as np
    import tensorflow as tf

    model = module.build_model()
    rng = np.random.RandomState(0)
    shapes = [w.shape for w in model.get_weights()]
    losses = []
    for number, (x, y) in enumerate(batches(module.load_data(), 3)):
        if number == 0:
            model.set_weights([0.1 * rng.rand(*shape) + 0.05 for shape in shapes])
            losses.append(float(np.asarray(model.test_on_batch(x, y)[0])))
            first = (x, y)
        model.train_on_batch(x, y)
    after = float(np.asarray(model.test_on_batch(*first)[0]))
    if side == "legacy":
        print(json.dumps({"before": losses[0], "after": after}))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "m.keras")
        model.save(file)
        kinds = {n: v for n, v in module.__dict__.items() if isinstance(v, type) and v.__module__ == "subject"}
        again = tf.keras.models.load_model(file, custom_objects=kinds)
        same = np.allclose(model.predict(first[0], verbose=0), again.predict(first[0], verbose=0), atol=1e-6)
    print(json.dumps({"before": losses[0], "after": after, "same": bool(same)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
