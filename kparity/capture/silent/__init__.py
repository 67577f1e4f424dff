"""Silent changes, measured: the same inputs and weights through every public layer, loss, metric, activation,
optimizer, schedule, initializer, regularizer and constraint of Keras 2, on both Kerases.

`python -m kparity.capture.silent` writes rules/api/silent.json and reports/silent.md. It starts `side.py` once a side;
the tables of cases stand in layers.py, recurrent.py, random.py, losses.py, metrics.py, optimizers.py, small.py and
training.py; judge.py (no framework) decides what is beyond round-off and which rule says so.
"""
