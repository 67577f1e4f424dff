"""Words that are counted of an Input of shape (1,): squeezed before; and no other call of a layer is touched."""

import pytest

from kparity.codemod.migrate import migrate_source

START = "import keras\nfrom keras import layers\n\n"
COUNTED = "v = layers.TextVectorization(output_mode='{}')\ni = keras.Input({}, dtype='string')\ny = v(i)\n"
CASES = {
    "multi_hot": COUNTED.format("multi_hot", "(1,)"),
    "count": COUNTED.format("count", "shape=(1,)"),
    "tf_idf": COUNTED.format("tf_idf", "shape=[1]"),
    "the last one of several": COUNTED.format("int", "(1,)") + COUNTED.format("count", "(1,)"),
    "beside a lambda": COUNTED.format("count", "(1,)") + "data.map(lambda x: v(x))\n",
}
OTHERS = {
    "indices of words": COUNTED.format("int", "(1,)"),
    "an Input without a dimension": COUNTED.format("count", "()"),
    "an Input of several strings": COUNTED.format("count", "(2,)"),
    "an Input of a whole batch": COUNTED.format("count", "(1,), 8"),
    "strings that aren't split": COUNTED.format("count', split='", "(1,)").replace("split=''", "split=None"),
    "strings": COUNTED.format("count", "(1,)").replace("v(i)", "v(['a b'])"),
    "what may be another layer": COUNTED.format("count", "(1,)").replace("\ny", "\nif x:\n    v = make()\ny"),
    "what may be another input": COUNTED.format("count", "(1,)").replace("\ny", "\nif x:\n    i = make()\ny"),
    "what is another layer by then": COUNTED.format("count", "(1,)").replace("\ny", "\nv = make()\ny"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_input_of_one_string_is_squeezed_before_its_words_are_counted(case):
    before, last, after = CASES[case].rpartition("y = v(i)")
    wanted = before + "y = v(keras.ops.squeeze(i, axis=-1))" + after
    assert last
    assert migrate_source(START + CASES[case], "a.py").text == START + wanted


@pytest.mark.parametrize("case", OTHERS)
def test_every_other_call_stays(case):
    assert migrate_source(START + OTHERS[case], "a.py").text == START + OTHERS[case]
