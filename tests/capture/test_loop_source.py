"""Training loops in source: which are found, and that making their iterations watchable changes nothing else."""

import builtins
from collections.abc import Iterator
from typing import Any

import pytest

from kparity.capture.loop_source import HOOK, exported, instrument

AROUND = """\
seen = []


class Optimizer:
    def apply_gradients(self, pairs):
        seen.append(pairs)

    minimize = apply_gradients


opt = Optimizer()
"""


@pytest.fixture
def iterations() -> Iterator[list[tuple[str, ...]]]:
    """The names that each iteration's body assigns, iteration by iteration, of the outermost loop alone."""
    told: list[tuple[str, ...]] = []
    busy: list[bool] = []

    def run(body: Any, names: tuple[str, ...]) -> Any:
        if busy:
            return body()
        told.append(names)
        busy.append(True)
        try:
            return body()
        finally:
            busy.pop()

    setattr(builtins, HOOK, run)
    yield told
    delattr(builtins, HOOK)


CASES = [
    (
        "a loop at the top with break, continue and else",
        """
for step in range(9):
    if step == 2:
        continue
    if step == 7:
        break
    for other in range(3):
        if other == 1:
            break
    opt.minimize((step, other))
else:
    seen.append("never")
last = step
for word in ():
    opt.minimize(word)
else:
    seen.append("else")
""",
        8,
    ),
    (
        "a loop in a function that returns from its middle, in an epoch loop",
        '''
def train(data, limit):
    """What it does."""
    total = 0
    for epoch in range(4):
        for index, x in enumerate(data):
            loss: int = x * 2
            total += loss
            unused: str
            opt.apply_gradients([(loss, index)])
            if total > limit:
                return total, epoch, index
        seen.append(("epoch", epoch, total, loss))
    return total

first, second = train([1, 2, 3], 30), train([1], 100)
said = train.__doc__
''',
        9 + 4,
    ),
    (
        "a step in a function, called in a loop in a method, counted by an attribute and a closure",
        """
def step(x):
    opt.minimize(x)
    return x

class Trainer:
    def __init__(self):
        self.done = 0

    def run(self, count):
        best = None
        def better(value):
            nonlocal best
            best = value if best is None else min(best, value)
        while self.done < count:
            self.done += 1
            better(-step(self.done))
            values = [step for step in range(self.done)]
        return best, values

result = Trainer().run(5)
""",
        5,
    ),
    (
        "a critic's loop beside a generator's step is one iteration",
        """
def critic():
    for part in range(3):
        opt.minimize(("critic", part))

def maker():
    opt.minimize("maker")

for batch in range(2):
    critic()
    maker()
for epoch in range(2):
    critic()
""",
        2 + 2 * 3,
    ),
    (
        "globals of a function, names that are deleted and caught, with and walrus",
        """
import contextlib
count = 0

def run():
    global count
    for x in [3, 4]:
        with contextlib.suppress(ZeroDivisionError) as kept:
            count += 1
            try:
                {}["a"]
            except KeyError as error:
                text = repr(error)
            if (y := x) > 3:
                del text
            opt.minimize(y)
    return y, count

result = run()
""",
        2,
    ),
    ("no updates, no loops to watch", "for x in range(3):\n    seen.append(x)\n", None),
    (
        "a compiled loop is left to the compiler",
        """
def function(f):
    return f

@function
def train(data):
    for x in data:
        opt.minimize(x)

train([1, 2])
""",
        None,
    ),
    (
        "what yields can't be cut",
        "def g():\n    for x in [1, 2]:\n        opt.minimize(x)\n        yield x\nr = list(g())\n",
        None,
    ),
]


@pytest.mark.parametrize(("text", "count"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_watched_iterations_do_what_the_loop_did(
    text: str, count: int | None, iterations: list[tuple[str, ...]]
) -> None:
    tree = instrument(AROUND + text)
    assert (tree is None) == (count is None)
    plain: dict[str, Any] = {"__name__": "plain"}
    exec(compile(AROUND + text, "plain", "exec"), plain)
    assert not iterations
    if tree is None:
        return
    watched: dict[str, Any] = {"__name__": "watched"}
    exec(compile(tree, "watched", "exec"), watched)
    assert len(iterations) == count
    names = [name for name in plain if name not in {"__name__", "__builtins__"}]
    values = {name: value for name in names if isinstance(value := plain[name], (int, list, tuple, str))}
    assert {name: watched[name] for name in values} == values


def test_lines_are_those_of_the_file() -> None:
    text = AROUND + "for x in [1]:\n    y = 1\n    opt.minimize(y)\n    z = 1 / 0\n"
    tree = instrument(text)
    assert tree is not None
    setattr(builtins, HOOK, lambda body, names: body())
    with pytest.raises(ZeroDivisionError) as caught:
        exec(compile(tree, "watched", "exec"), {})
    delattr(builtins, HOOK)
    assert caught.traceback[-1].lineno + 1 == len(text.splitlines())


def test_a_step_in_another_file_is_known_by_its_name(iterations: list[tuple[str, ...]]) -> None:
    other = (
        "def learn(x):\n    with tape:\n        opt.apply_gradients(x)\n\n"
        "def epoch(d):\n    for x in d:\n        learn(x)\n"
    )
    names = exported(other)
    assert "learn" in names
    assert "epoch" not in names, "it trains by a loop of its own"
    assert instrument("from other import learn\nfor x in d:\n    learn(x)\n", names) is not None
    assert instrument("from other import learn\nfor x in d:\n    learn(x)\n") is None
