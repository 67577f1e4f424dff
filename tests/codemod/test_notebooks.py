"""Notebooks: the code cells are one program, and nothing but the lines that change is written anew."""

import json

import pytest
from typer.testing import CliRunner

from kparity.cli import app
from kparity.codemod.cells import program, sources

KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
IMPORT = "from tensorflow.keras.layers import LeakyReLU"
LEAKY = "x = LeakyReLU(alpha=1)"


def notebook(*cells: str, **more) -> dict:
    made = [{"cell_type": "markdown", "metadata": {}, "source": ["# tf.keras\n", "text"]}]
    for number, cell in enumerate(cells):
        outputs = [{"name": "stdout", "output_type": "stream", "text": ["tf.keras.layers.LeakyReLU(alpha=1)\n"]}]
        source = cell.splitlines(keepends=True)
        made.append(
            {"cell_type": "code", "execution_count": number, "metadata": {}, "outputs": outputs, "source": source}
        )
    return {"cells": made, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 4, **more}


def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


def written(tmp_path, text: str, *options: str) -> tuple[str, object]:
    file = tmp_path / "a.ipynb"
    file.write_bytes(text.encode())
    done = run("migrate", file, *options)
    return file.read_bytes().decode(), done


FORMS = {
    "Jupyter's own": lambda nb: json.dumps(nb, indent=1, ensure_ascii=False) + "\n",
    "two spaces": lambda nb: json.dumps(nb, indent=2) + "\n",
    "tabs, no end of line": lambda nb: json.dumps(nb, indent="\t"),
    "one line": lambda nb: json.dumps(nb),
    "one line, no spaces": lambda nb: json.dumps(nb, separators=(",", ":")),
    "keys sorted, CRLF": lambda nb: json.dumps(nb, indent=1, sort_keys=True).replace("\n", "\r\n"),
    "a byte order mark": lambda nb: "\ufeff" + json.dumps(nb, indent=1),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_notebook_differs_in_the_changed_lines_alone(tmp_path, form):
    old = FORMS[form](notebook(IMPORT + "\n# ünï 'q' \"d\" \\n", "y = 1", "%time " + LEAKY))
    if form == "a byte order mark":
        assert "KP000 failed" in written(tmp_path, old)[1].output, "nbformat reads none"
        return
    new, done = written(tmp_path, old)
    assert done.exit_code == 0, done.output
    assert new == old.replace("from tensorflow.keras.layers import", "from keras.layers import").replace(
        "x = LeakyReLU(alpha=1)", "x = LeakyReLU(negative_slope=1)"
    )
    assert written(tmp_path, new)[0] == new


def test_a_source_in_one_string_stays_one_string(tmp_path):
    nb = notebook()
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    nb["cells"].append({**cell, "source": "import tensorflow as tf\n\nx = tf.keras.layers.LeakyReLU(alpha=1)"})
    new, _ = written(tmp_path, json.dumps(nb, indent=1))
    assert json.loads(new)["cells"][1]["source"] == "import keras\n\nx = keras.layers.LeakyReLU(negative_slope=1)"


def test_escapes_stay_as_they_were_written(tmp_path):
    old = json.dumps(notebook(IMPORT + "  # é\n" + LEAKY + "  # é"), indent=1)
    assert "\\u00e9" in old
    new, _ = written(tmp_path, old)
    assert new.count("\\u00e9") == 2
    assert "é" not in new


def test_a_notebook_without_keras_and_one_in_another_language_are_left(tmp_path):
    plain = json.dumps(notebook("x = 1"), indent=3)
    assert written(tmp_path, plain)[0] == plain
    other = json.dumps(notebook("library(keras)", metadata={"kernelspec": {"language": "R", "name": "ir"}}))
    new, done = written(tmp_path, other)
    assert new == other
    assert done.exit_code == 0


def test_nbformat_3_is_migrated_too(tmp_path):
    cell = {"cell_type": "code", "collapsed": False, "language": "python", "metadata": {}, "outputs": []}
    cells = [{**cell, "input": [IMPORT + "\n", LEAKY]}]
    old = json.dumps({"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]})
    assert "LeakyReLU(negative_slope=1)" in written(tmp_path, old)[0]


def test_findings_name_the_cell_for_people_and_the_line_of_the_file_for_editors(tmp_path):
    text = json.dumps(notebook("from tensorflow.keras import backend as K", "y = 1\nK.set_learning_phase(1)"), indent=1)
    _, done = written(tmp_path, text, "--check")
    assert "a.ipynb:cell 3:line 2: KP690 manual" in done.output
    line = text[: text.index("K.set_learning_phase")].count("\n") + 1
    assert f"line={line},col=6," in run("migrate", tmp_path / "a.ipynb", "--check", "--format", "github").output
    files = json.loads(run("migrate", tmp_path / "a.ipynb", "--check", "--format", "json").output)["files"]
    places = [f["place"] for f in files[0]["findings"] if f["rule"] == "KP690"]
    assert [(p["line"], p["cell"], p["cell_line"]) for p in places] == [(line, 3, 2)]


TOLD = {
    "a pin in a shell line": ("!pip install -q keras==2.2.4", "KP154"),
    "a pin in a magic": ("%pip install tensorflow-gpu==1.15", "KP154"),
    "a pin in a cell of bash": ("%%bash\npip install 'tensorflow<2.5'", "KP154"),
    "Colab's version": ("%tensorflow_version 1.x", "KP154"),
    "an old package": ("!pip install tensorflow-addons", "KP155"),
    "the environment": ("%env TF_USE_LEGACY_KERAS=1", "KP157"),
    "a module that is written": (
        "%%writefile a.py\nfrom keras.layers import LeakyReLU\nx = LeakyReLU(alpha=1)",
        "KP158",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_no_python_is_told_and_left(tmp_path, name):
    cell, rule = TOLD[name]
    old = json.dumps(notebook(cell), indent=1)
    new, done = written(tmp_path, old)
    assert f"cell 2:line 1: {rule} manual" in done.output or f"cell 2:line 2: {rule} manual" in done.output
    assert new == old
    assert rule not in written(tmp_path, old, "--ignore", rule)[1].output


@pytest.mark.parametrize("cell", ["!pip install keras", "!pip install tensorflow>=2.16 keras==3.1", "%%bash\nls keras"])
def test_what_suits_keras_3_is_not_told(tmp_path, cell):
    assert written(tmp_path, json.dumps(notebook(cell, "import keras")))[1].exit_code == 0


def test_a_broken_cell_is_told_and_the_others_are_migrated(tmp_path):
    new, done = written(tmp_path, json.dumps(notebook(IMPORT, "this is keras no more", LEAKY)))
    assert done.exit_code == 2
    assert "cell 3:line 1: KP000 failed" in done.output
    assert "negative_slope" in new
    assert "this is keras no more" in new


def test_a_notebook_of_python_2_is_left(tmp_path):
    kernel = {"kernelspec": {"display_name": "Python 2", "language": "python", "name": "python2"}}
    old = json.dumps(notebook(IMPORT, "print 'keras'", LEAKY, metadata=kernel))
    new, done = written(tmp_path, old)
    assert new == old
    assert done.exit_code == 2


def test_an_import_that_a_magic_needs_stays(tmp_path):
    old = json.dumps(
        notebook("import tensorflow as tf\nx = tf.keras.layers.LeakyReLU(alpha=1)", "%timeit -n 3 tf.zeros((")
    )
    new = json.loads(written(tmp_path, old)[0])
    assert "import tensorflow as tf\n" in new["cells"][1]["source"]


def test_a_comment_keeps_rules_off_the_whole_notebook(tmp_path):
    old = json.dumps(notebook("# kparity: ignore-file", IMPORT, LEAKY))
    assert written(tmp_path, old)[0] == old


BAD = {
    "broken JSON": b'{"cells": [ keras',
    "no notebook": b'["keras"]',
    "no cells": b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "x": "keras"}',
    "an unknown nbformat": b'{"nbformat": 17, "nbformat_minor": 4, "cells": [], "metadata": {"x": "keras"}}',
    "cells of the wrong kind": b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": ["keras", 1]}',
    "another encoding": '{"nbformat": 4, "cells": [], "metadata": {"x": "keras é"}}'.encode("latin-1"),
    "UTF-16": '{"nbformat": 4, "cells": [], "metadata": {"x": "keras"}}'.encode("utf-16"),
    "half of one": json.dumps(notebook(IMPORT)).encode()[:-40],
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_notebook_is_told_in_a_line_and_left(tmp_path, name):
    file = tmp_path / "a.ipynb"
    file.write_bytes(BAD[name])
    done = run("migrate", file)
    assert done.exit_code == 2
    assert "a.ipynb: KP000 failed: " in done.output
    assert "by its own fault" not in done.output
    assert file.read_bytes() == BAD[name]


CELLS = [
    "x = 1",
    "%matplotlib inline\nx = 1",
    "!ls \\\n  -l keras\nx = 1",
    "files = !ls\nx = %who_ls int\nd['a'] = !pwd",
    "%%time\nx = 1",
    "%%bash\necho 'unbalanced",
    "x?\n?x\nx.y??\nplt.*?",
    'if x:\n    !echo "it\'s"\n    %time y = f(x)\nelse:\n    %cd a(b',
    "x = (1\n  % 2)\ny = '''\n%time\n!ls\n'''\n!ls",
    "%timeit -n 10 -r 3 f(x)",
    "",
    "# only a comment",
    "x = 5 \\\n  % 3\nz != 3",
    "print 'python 2'",
    "%%capture out\n%%time\nx = 1",
    "  x = 1\n  if x:\n    !ls\n  y = 2",
]


@pytest.mark.parametrize("number", range(len(CELLS)))
def test_any_cell_comes_back_as_it_was_and_keeps_its_lines(number):
    cells = [*CELLS[number:], *CELLS[:number]]
    made = program(cells, "kparity")
    assert sources(made, made.text, "kparity", cells) == cells
    compile(made.text, "x", "exec", dont_inherit=True)
    for index, cell in enumerate(cells):
        assert made.cell_line(made.starts[index] + cell.count("\n")) == (index, cell.count("\n") + 1)
    assert set(made.broken) == {cells.index("print 'python 2'")}
