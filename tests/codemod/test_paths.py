# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""Names of files that are saved and loaded in one module: which value a name has where it is read, and who else reads it."""

import pytest

from kparity.codemod.migrate import migrate_source
from kparity.findings import Outcome

START = "import os\nimport tensorflow as tf\nimport keras\n\nmodel = keras.Sequential([keras.layers.Dense(1)])\n"
END = "\nx = tf.constant(1)\n"

EDITED = {
    "a name that is given another file later": (
        "path = 'a/cp.ckpt'\nfolder = os.path.dirname(path)\nmodel.save_weights(path)\nmodel.load_weights(path)\npath = 'b/cp-{n}.ckpt'\nmodel.save_weights(path.format(n=3))\n",
        "path = 'a/cp.weights.h5'\nfolder = os.path.dirname(path)\nos.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)\nmodel.save_weights(path)\nmodel.load_weights(path)\npath = 'b/cp-{n}.weights.h5'\nos.makedirs(os.path.dirname(os.path.abspath(path.format(n=3))), exist_ok=True)\nmodel.save_weights(path.format(n=3))\n",
    ),
    "a template that is joined": (
        "c = keras.callbacks.ModelCheckpoint(os.path.join('a', 'cp_{epoch}'), save_weights_only=True)\n",
        "c = keras.callbacks.ModelCheckpoint(os.path.join('a', 'cp_{epoch}.weights.h5'), save_weights_only=True)\n",
    ),
    "the folder of a template": (
        "path = 'a/cp-{epoch}.ckpt'\nfolder = os.path.dirname(path)\nc = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)\nlast = tf.train.latest_checkpoint(folder)\n",
        "path = 'a/cp-{epoch}.weights.h5'\nfolder = os.path.dirname(path)\nc = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)\n"
        'last = max(__import__.glob(os.path.join(folder, "*.weights.h5")), key=os.path.getmtime, default=None)\n',
    ),
    "a folder that is joined twice": (
        "model.save(os.path.join('a', 'm'))\nagain = keras.models.load_model(os.path.join('a', 'm'))\n",
        "os.makedirs(os.path.dirname(os.path.abspath(os.path.join('a', 'm'))), exist_ok=True)\nmodel.save(os.path.join('a', 'm.keras'))\nagain = keras.models.load_model(os.path.join('a', 'm.keras'))\n",
    ),
    "a folder beside the one that is made": (
        "os.makedirs('a', exist_ok=True)\nmodel.save_weights('b/w')\nmodel.load_weights('b/w')\n",
        "os.makedirs('a', exist_ok=True)\nos.makedirs(\"b\", exist_ok=True)\nmodel.save_weights('b/w.weights.h5')\nmodel.load_weights('b/w.weights.h5')\n",
    ),
    "a folder that is made above it": (
        "os.makedirs('b/c', exist_ok=True)\nmodel.save_weights('b/w')\n",
        "os.makedirs('b/c', exist_ok=True)\nmodel.save_weights('b/w.weights.h5')\n",
    ),
    "a folder that is made by its name": (
        "folder = f()\nos.makedirs(folder)\nmodel.save_weights(os.path.join(folder, 'w'))\n",
        "folder = f()\nos.makedirs(folder)\nmodel.save_weights(os.path.join(folder, 'w.weights.h5'))\n",
    ),
    "a folder that is made by the name of the file": (
        "path = 'a/w.ckpt'\nos.makedirs(os.path.dirname(path))\nmodel.save_weights(path)\n",
        "path = 'a/w.weights.h5'\nos.makedirs(os.path.dirname(path))\nmodel.save_weights(path)\n",
    ),
    "another folder that is made by a name": (
        "folder = f()\nos.makedirs(folder)\nmodel.save_weights('b/w')\n",
        "folder = f()\nos.makedirs(folder)\nos.makedirs(\"b\", exist_ok=True)\nmodel.save_weights('b/w.weights.h5')\n",
    ),
    "a model that was deleted and loaded": (
        "model.save('m')\ndel model\nmodel = keras.models.load_model('m')\n",
        "model.save('m.keras')\ndel model\nmodel = keras.models.load_model('m.keras')\n",
    ),
    "a class that loading knows of": (
        "class A(keras.layers.Layer):\n    pass\n\n\nmodel.save('m')\nagain = keras.models.load_model('m', custom_objects={'A': A})\n",
        "class A(keras.layers.Layer):\n    pass\n\n\nmodel.save('m.keras')\nagain = keras.models.load_model('m.keras', custom_objects={'A': A})\n",
    ),
    "a class that comes later isn't in it": (
        "model.save('m')\nagain = keras.models.load_model('m')\n\n\nclass A(keras.layers.Layer):\n    pass\n",
        "model.save('m.keras')\nagain = keras.models.load_model('m.keras')\n\n\nclass A(keras.layers.Layer):\n    pass\n",
    ),
}
LEFT = {
    "nobody loads it": "model.save('m')\n",
    "another library reads it": "model.save('m')\nagain = keras.models.load_model('m')\nc = tf.lite.TFLiteConverter.from_saved_model('m')\n",
    "TensorFlow loads it": "model.save('m')\nagain = keras.models.load_model('m')\nc = tf.saved_model.load('m')\n",
    "another folder's model is loaded": "model.save(os.path.join(a, 'm'))\nagain = keras.models.load_model(os.path.join(b, 'm'))\n",
    "a class of one's own may be in it": "class A(keras.layers.Layer):\n    pass\n\n\nmodel.save('m')\nagain = keras.models.load_model('m')\n",
    "a class from elsewhere is in it": "from mine import Odd\n\nmodel.add(Odd())\nmodel.save('m')\nagain = keras.models.load_model('m')\n",
    "a Lambda may be in it": "y = keras.layers.Lambda(abs)\nmodel.save('m')\nagain = keras.models.load_model('m')\n",
}
TOLD = {
    "a name given in a branch": "path = 'a.ckpt'\nif x:\n    path = 'b.ckpt'\nmodel.save_weights(path)\n",
    "a name given in a loop": "path = 'a.ckpt'\nfor n in range(3):\n    path = path + '.ckpt'\nmodel.save_weights(path)\n",
    "a name read in a function": "path = 'a.ckpt'\n\n\ndef f():\n    model.save_weights(path)\n\n\npath = 'b.ckpt'\n",
}
CHECKPOINTS = {
    "of another folder": "model.save_weights('a/w.ckpt')\nlast = tf.train.latest_checkpoint('b')\n",
    "of TensorFlow's own": "c = tf.train.Checkpoint(m=model)\nmodel.save_weights('a/w.ckpt')\nlast = tf.train.latest_checkpoint('a')\n",
    "of a folder that is worked out": "model.save_weights(os.path.join(f(), 'w.ckpt'))\nlast = tf.train.latest_checkpoint(f())\n",
}


@pytest.mark.parametrize("case", EDITED)
def test_what_is_written_is_what_is_read(case):
    before, after = EDITED[case]
    done = migrate_source(START + before + END, "a.py")
    start = "import glob\n" if "__import__" in after else ""
    wanted = START.replace("import os\n", "import os\n" + start) + after.replace("__import__", "glob") + END
    assert sorted(done.text.splitlines()) == sorted(wanted.splitlines())


@pytest.mark.parametrize("case", LEFT)
def test_a_folder_that_may_be_read_otherwise_waits_to_be_asked(case):
    done = migrate_source(START + LEFT[case] + END, "a.py")
    assert {f.outcome for f in done.findings if f.rule == "KP403"} == {Outcome.UNSAFE}
    assert "save('m')" in done.text or "save(os.path.join(a, 'm'))" in done.text


@pytest.mark.parametrize("case", TOLD)
def test_a_name_with_several_values_is_told(case):
    done = migrate_source(START + TOLD[case] + END, "a.py")
    assert {f.outcome for f in done.findings if f.rule == "KP401"} == {Outcome.MANUAL}


@pytest.mark.parametrize("case", CHECKPOINTS)
def test_a_checkpoint_stays(case):
    assert "last = tf.train.latest_checkpoint(" in migrate_source(START + CHECKPOINTS[case] + END, "a.py").text
