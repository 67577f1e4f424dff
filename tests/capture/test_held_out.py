"""Validation data that are the same rows whenever they are evaluated. Runs TensorFlow in a process of its own."""

import subprocess
import sys

CHECKS = """
import numpy as np
import tensorflow as tf

from kparity.capture import held_out, subject

rows = tf.data.Dataset.from_tensor_slices((np.arange(40.0), np.arange(40) % 2)).shuffle(40, seed=3).batch(4)


def seen(data):
    return [batch[0].numpy().tolist() for batch in data]


cut = rows.take(2)
assert seen(cut) != seen(cut), "shuffled anew at every pass"
kept, notes = held_out.steady(cut)
assert seen(kept) == seen(kept) and len(seen(kept)) == 2 and notes == [], seen(kept)
assert held_out.digest(kept) == held_out.digest(kept) != held_out.digest(cut)

still = tf.data.Dataset.range(6).batch(2)
assert held_out.steady(still) == (still, []), "what is the same at every pass is left as it is"
assert held_out.steady(rows.repeat())[0] is not None, "without an end"
assert held_out.steady(batch for batch in still) == (None, [held_out.ONCE])
arrays = (np.ones((3, 2)), np.zeros(3))
assert held_out.steady(arrays) == (arrays, [])
assert held_out.digest(arrays) != held_out.digest((np.ones((3, 2)), np.ones(3)))
wide = lambda kind: (np.full((3, 2), 0.1, kind), np.zeros(3, kind))
assert held_out.digest(wide("float64")) == held_out.digest(wide("float32")), "as both Kerases take them"
words = lambda word: (np.array(["a", word], dtype=object), np.zeros(2))
assert held_out.digest(words("b" * 9)) == held_out.digest(words("bbb" * 3)) != held_out.digest(words("c"))
asked = {"x": {"a": np.arange(10.0)}, "y": np.arange(10), "validation_split": 0.2, "workers": 4, "epochs": 9}
given = subject.fit_arguments(asked, None)
assert given.x["a"].tolist() == given.y.tolist() == list(range(8)), given
assert (given.validation_data[0]["a"].tolist(), given.validation_data[1].tolist()) == ([8.0, 9.0], [8, 9])
for bad in ({**asked, "x": rows}, {**asked, "batchsize": 3}):
    try:
        subject.fit_arguments(bad, None)
    except subject.SubjectError as error:
        assert "validation_split" in str(error)
    else:
        raise AssertionError(bad)
held_out.MOST_BYTES = 10
large, notes = held_out.steady(cut)
assert large is cut and notes == [held_out.TOO_LARGE]
"""


def test_validation_rows_are_the_same_at_every_pass() -> None:
    ended = subprocess.run([sys.executable, "-c", CHECKS], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
