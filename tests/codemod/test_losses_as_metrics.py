# ruff: noqa: E501 (code as it stands in a file, a case a line)
"""Losses as metrics, which in Keras 3 give labels and predictions the same rank only as loss objects (KP577)."""

import pytest

from kparity.codemod.migrate import migrate_source

START = "from tensorflow import keras\n\nm = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
OBJECT = 'keras.metrics.MeanMetricWrapper(keras.losses.BinaryCrossentropy(reduction=None), name="binary_crossentropy")'
CASES = {
    "in a list": "m.compile('sgd', 'mse', metrics=['binary_crossentropy'])\n",
    "in a list of several": "m.compile('sgd', 'mse', metrics=['accuracy', 'binary_crossentropy'])\n",
    "by output": "m.compile('sgd', 'mse', metrics={'out': ['mae', 'binary_crossentropy']})\n",
    "weighted": "m.compile('sgd', 'mse', weighted_metrics=['binary_crossentropy'])\n",
}
OTHERS = {
    "a loss": "m.compile('sgd', 'binary_crossentropy', metrics=['mae'])\n",
    "a loss by keyword": "m.compile('sgd', loss='binary_crossentropy')\n",
    "metrics that see to it themselves": "m.compile('sgd', 'mse', metrics=['mae', 'mse', 'accuracy', 'binary_accuracy'])\n",
    "another method": "m.fit(metrics=['binary_crossentropy'])\n",
    "a name in the logs": "monitor = ['binary_crossentropy']\n",
}


@pytest.mark.parametrize("case", CASES)
def test_a_loss_as_a_metric_becomes_an_object(case):
    done = migrate_source(START + CASES[case], "a.py")
    wanted = START + CASES[case].replace("'binary_crossentropy'", OBJECT)
    assert done.text == wanted.replace("from tensorflow import keras", "import keras")


@pytest.mark.parametrize("case", OTHERS)
def test_every_other_name_stays(case):
    done = migrate_source(START + OTHERS[case], "a.py")
    assert done.text == (START + OTHERS[case]).replace("from tensorflow import keras", "import keras")


def test_code_written_for_keras_3_stays():
    text = START.replace("from tensorflow import keras", "import keras") + CASES["in a list"]
    text += "x = keras.ops.ones((1, 2))\n"
    assert migrate_source(text, "a.py").text == text
