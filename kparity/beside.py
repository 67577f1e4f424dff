"""Single steps replayed on both sides, one beside the other: the candidate is forced by what the reference has left.

In: the two sides' processes, the steps. Out: both sides' answers, each as if all steps had been one request. Called by
compare once both are trained; and what is left of it in the trace.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kparity import trace
from kparity.analysis.observe import StepRecord

Ask = Callable[..., Any]
"""A side's `ask`."""
Both = Callable[[Callable[[], Any], Callable[[], Any]], tuple[Any, Any]]
"""Runs two requests at once."""


LARGE = 256_000_000
"""Bytes of one replayed step from which steps are left out: it takes seconds then, as much as five to eight steps of
training."""
FEWEST, EVERY = 3, 50
"""Steps that are replayed in any case, and steps of training for which one more is: a replay takes both sides a second
or two for each that training takes."""
PART, LEAST = 4, 10
"""Of a large model's training, this part is repeated one ulp away before the rest of it is, and at least so many steps
(as many as the accuracy at the end is a mean of)."""


def chosen_steps(steps: int) -> list[int]:
    """The steps that are replayed alone, what shows most first (1-based): the first, in which everything does, the
    second, in which optimizers have a past, the last, and some between."""
    wanted = (1, 2, steps, steps // 2, steps // 4, 10)
    return list(dict.fromkeys(step for step in wanted if 1 <= step <= steps))


def affordable(chosen: Sequence[int], size: int, steps: int) -> list[int]:
    """Of the chosen steps of a training those that are replayed if one takes `size` bytes. By size and not by time: the
    same comparison must look at the same steps on every machine."""
    return list(chosen if size < LARGE else chosen[: max(FEWEST, steps // EVERY)])


def repeated_first(size: int, steps: int) -> int:
    """How many steps of a training are repeated one ulp away at first, if one of its steps takes `size` bytes."""
    return steps if size < LARGE else min(steps, max(LEAST, steps // PART))


def side_by_side(
    both: Both,
    sides: tuple[Ask, Ask],
    groups: Sequence[list[int]],
    requests: tuple[Callable[[list[int]], Mapping[str, Any]], Callable[[list[int]], Mapping[str, Any]]],
    meanwhile: Callable[[], Any],
    left: Callable[[int], list[int]],
    measure: Callable[[Mapping[str, Any]], None],
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """What `meanwhile` returns, which the candidate does while there is nothing to replay, and both sides' replays.

    `groups`: the steps that each side is asked for at once: one by one, but for a program that must be run up to them.
    `requests`: what each side is asked to replay some steps. `left`: which of the steps are still wanted once the given
    one is replayed. `measure` is what the reference does then with every answer of the candidate. Raises SideFailed.
    """
    done: list[Future[bool]] = [Future() for _ in groups]
    answered: list[Future[dict[str, Any]]] = [Future() for _ in groups]

    def reference() -> dict[str, Any]:
        answers, wanted = [], {step for group in groups for step in group}
        with _told_of_failure(done):
            for group, future in zip(groups, done, strict=True):
                if wanted & {*group}:
                    answers.append(sides[0]("replay", **requests[0](group)))
                    wanted = {*left(group[0])}
                future.set_result(bool(wanted & {*group}))
        for here, answer in zip(done, answered, strict=True):
            if here.result():
                measure(answer.result())
        return united(answers)

    def candidate() -> tuple[Any, dict[str, Any]]:
        answers = []
        with _told_of_failure(answered):
            found = meanwhile()
            for group, here, answer in zip(groups, done, answered, strict=True):
                if here.result():
                    answers.append(sides[1]("replay", **requests[1](group)))
                    answer.set_result(answers[-1])
        return found, united(answers)

    free, (found, forced) = both(reference, candidate)
    return found, free, forced


@contextlib.contextmanager
def _told_of_failure(futures: Sequence[Future[Any]]) -> Iterator[None]:
    """Whoever waits for one of these hears of what is raised inside."""
    try:
        yield
    except BaseException as error:
        for future in futures:
            if not future.done():
                future.set_exception(error)
        raise


def united(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Answers for single steps as one: what is told by step (1-based, as text) together, all else as the first told."""
    whole = {key: value for answer in reversed(answers) for key, value in answer.items()}
    by_step = {key for key, value in whole.items() if isinstance(value, dict) and all(k.isdigit() for k in value)}
    return whole | {key: {k: v for answer in answers for k, v in answer.get(key, {}).items()} for key in by_step}


STEP_BYTES = 900_000
"""What of a replayed step is left in the trace, both sides together: with its statistics under a megabyte."""


def tidy(folder: Path, records: list[StepRecord]) -> None:
    """Keep what a reader of the trace needs, and no more than STEP_BYTES a step: batches, states and equal arrays were
    for the run itself."""
    of_sides = ("*-state", "*-graph", "*-replay", "*-evaluation", "*float64*", "*-freed")
    kinds = ("batch", "moved", "proof", "handed", *of_sides)
    for pattern in (f"{kind}-*" for kind in kinds):
        for file in (folder / "tensors").glob(pattern):
            file.unlink()
    for record in records:
        kept = trace.bounded((record.reference, record.candidate), STEP_BYTES)
        for name, arrays in zip(("legacy", "keras3"), kept, strict=True):
            trace.write_arrays(trace.step_file(folder, f"{name}-replay", record.step), arrays)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
