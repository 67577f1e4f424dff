# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""`input` and `output` of Sequential models, which Keras 3 doesn't know before they were called: and of no other ones."""

import pytest

from kparity.codemod.migrate import migrate_source

START = "import keras\n\n"
MADE = {
    "at once": "m = keras.Sequential([keras.Input((3,))])\ny = m.output\n",
    "by a function": "def make():\n    m = keras.models.Sequential()\n    return m\n\n\ny = make().output\n",
    "and handed over": "def f(m):\n    return keras.Model(m.input, m.output)\n\n\nf(keras.Sequential([keras.Input((3,))]))\n",
    "and kept": "class Gan:\n    def __init__(self):\n        self.g = keras.Sequential([keras.Input((3,))])\n\n    def show(self):\n        return self.g.input\n",
    "twice": "m = keras.Sequential([keras.Input((3,))])\nm = keras.Sequential([keras.Input((4,))])\ny = m.output.shape\n",
}
OTHERS = {
    "a functional model": "i = keras.Input((3,))\nm = keras.Model(i, i)\ny = m.output\n",
    "a model that is loaded": "m = keras.models.load_model('m.keras')\ny = m.output\n",
    "a model that is one or the other": "i = keras.Input((3,))\nm = keras.Model(i, i)\nif x:\n    m = keras.Sequential()\ny = m.output\n",
    "a model that anyone hands over": "def f(m):\n    m.summary()\n    return m.output\n",
    "a model that now and then is one": "def f(m):\n    return m.output\n\n\nf(keras.Sequential())\nf(keras.applications.VGG16())\n",
    "a layer of one": "m = keras.Sequential([keras.layers.Dense(1)])\ny = m.layers[0].output\n",
    "its outputs": "m = keras.Sequential([keras.Input((3,))])\ny = m.outputs[0]\n",
}


@pytest.mark.parametrize("case", MADE)
def test_of_a_sequential_model_it_is_the_first_of_several(case):
    wanted = MADE[case].replace("m.output", "m.outputs[0]").replace("make().output", "make().outputs[0]")
    wanted = wanted.replace("m.input", "m.inputs[0]").replace("g.input", "g.inputs[0]")
    assert migrate_source(START + MADE[case], "a.py").text == START + wanted


@pytest.mark.parametrize("case", OTHERS)
def test_of_what_may_be_another_model_it_stays(case):
    assert migrate_source(START + OTHERS[case], "a.py").text == START + OTHERS[case]
