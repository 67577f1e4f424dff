"""A cause in words: what differs, by how much, why, which rule knows it, and what to do.

In: Causes, both sides' descriptions, the rule book. Out: the `causes` of verdict.json. Called by compare. What is said
was measured or is configured; a rule is named only where its kind of code, phase and class fit and the configuration
doesn't already say why.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any

from kparity.analysis.calls import Calls, facts, fits, in_words
from kparity.analysis.locate import Cause
from kparity.analysis.observe import INSIDE, Seen, layer_of
from kparity.rulebook import Rule

Description = Mapping[str, Any]

NO_CALLS = Calls()
IN_CODE = "told in the code"
EVALUATED = "evaluated"
_UNTOLD = {
    "name",
    "seed",
    "dtype",
    "class",
    "module",
    "registered_name",
    "build_config",
    "is_legacy_optimizer",
    "jit_compile",
}
"""Configuration that may differ between two Kerases without a meaning for the numbers."""
MEASURED = {"sparse", "draws"}
"""Kinds of cause that say why themselves: no setting that differs beside is the reason."""
_READ_WITH = {"ema_momentum": "use_ema", "ema_overwrite_frequency": "use_ema"}
"""Settings that are read only where another one is on: Keras 2's RMSprop has an idle 100 where Keras 3's has None."""


class Explainer:
    """Knows what both sides said of themselves. `layers`: candidate path -> reference path; `told`: the rules that
    migrate has found something of in the subject's own code."""

    def __init__(
        self,
        reference: Description,
        candidate: Description,
        layers: Mapping[str, str],
        rules: Iterable[Rule],
        names: tuple[str, str],
        calls: Calls = NO_CALLS,
        told: Iterable[str] = (),
    ) -> None:
        self.reference, self.candidate, self.rules, self.names = reference, candidate, list(rules), names
        self.calls, self.told = calls, frozenset(told)
        theirs = {layers.get(layer["path"], layer["path"]): layer for layer in candidate["layers"]}
        self.layers = {layer["path"]: (layer, theirs.get(layer["path"])) for layer in reference["layers"]}
        self.classes = {path: pair[0]["class"] for path, pair in self.layers.items()}
        self.classes |= {path: layer["class"] for path, layer in theirs.items() if path not in self.classes}

    def layer_changes(self, path: str | None) -> dict[str, tuple[Any, Any]]:
        """Configuration values of a layer that both sides state and that differ: name -> (reference, candidate)."""
        ours, theirs = self.layers.get(path or "", (None, None))
        return changes(ours["config"], theirs["config"]) if ours and theirs else {}

    def rewritten(self, path: str) -> bool:
        """Whether a layer, or "loss", is of another class or configured differently on the other side."""
        if path == "loss":
            return self.reference["configuration"]["loss"] != self.candidate["configuration"]["loss"]
        ours, theirs = self.layers.get(path, (None, None))
        return (
            ours is None
            or theirs is None
            or ours["class"] != theirs["class"]
            or bool(changes(ours["config"], theirs["config"]))
        )

    def configured(self, section: str) -> dict[str, tuple[Any, Any]]:
        """The same of the optimizer, or of the losses taken together."""
        ours, theirs = self.reference["configuration"][section], self.candidate["configuration"][section]
        if isinstance(ours, dict) and isinstance(theirs, dict):
            return changes(ours, theirs)
        found: dict[str, tuple[Any, Any]] = {}
        for left, right in zip(ours or [], theirs or [], strict=False):
            if isinstance(left, dict) and isinstance(right, dict):
                found |= changes(left, right)
        return found

    def state_apart(self, seen: Seen, owners: Mapping[str, str]) -> bool:
        """Whether a layer is configured differently in what only its state reads."""
        return not _STATE_ALONE.isdisjoint(self.layer_changes(layer_of(seen.key, owners)))

    def confirms(self, seen: Seen, owners: Mapping[str, str]) -> bool:
        """Whether the configuration of the layer, the loss or the optimizer differs where a difference was seen."""
        if seen.phase in {"loss", "optimizer"}:
            return bool(self.configured(seen.phase))
        return bool(self.layer_changes(layer_of(seen.key, owners)))

    def tell(self, cause: Cause) -> dict[str, Any]:
        """The cause as an entry of verdict.json."""
        ours, theirs = self.names
        changed: dict[str, tuple[Any, Any]] = {}
        subject, what = "", ""
        canonical = ""
        of_layer = cause.phase in {"config", "init", "forward", "gradient", "state"} or "term" in cause.evidence.get(
            "kinds", []
        )
        if of_layer and cause.layer:
            changed = self.layer_changes(cause.layer)
            kind = self.classes.get(cause.layer, "")
            canonical = f"keras.layers.{kind}"
            subject = f"{kind} `{cause.layer}`"
        elif cause.phase == "optimizer":
            changed = self.configured("optimizer")
            kind = (self.reference["configuration"]["optimizer"] or {}).get("class", "optimizer")
            canonical = f"keras.optimizers.{kind}"
            touched = {self.classes.get(name.split(":")[0], "") for name in cause.evidence.get("variables", [])}
            if cause.kind == "sparse" and len(touched) == 1:
                canonical = f"keras.layers.{touched.pop()}"
            subject = f"the optimizer {kind}"
        elif cause.phase == "loss":
            changed = self.configured("loss")
            losses = self.reference["configuration"]["loss"] or ["?"]
            name = losses[0]["class"] if isinstance(losses[0], dict) else str(losses[0]).strip("'")
            canonical = f"keras.losses.{name}"
            subject = "the loss"
        elif cause.phase == "metric":
            canonical = "keras.metrics"
            subject = f"the reported `{cause.variable}`"
        elif cause.phase == "data":
            canonical = "keras.utils.set_random_seed"
            subject = "the training data"
        if cause.kind in MEASURED:
            changed = {}
        what = self._what(cause, subject)
        rule = self._rule(cause, canonical, changed)
        if cause.evaluated:
            what = f"Where the model is evaluated or predicts, and not in training: {what}"
        message = what[:1].upper() + what[1:] + (self._draws(cause) if cause.phase == "init" else "")
        if cause.layer and cause.phase in {"forward", "gradient", "state"}:
            message += in_words(self.calls, cause.layer, self.names)
        fix = ""
        if changed:
            said = "; ".join(
                f"{name} is {_said(left)} in {ours}, {_said(right)} in {theirs}"
                for name, (left, right) in changed.items()
            )
            message += f" Configured differently: {said}."
            fix = "Set " + ", ".join(f"{name}={_said(left)}" for name, (left, _) in changed.items()) + f" for {theirs}."
        if rule:
            message += " " + " ".join(rule.why.split())
            fix = f"{rule.fix or rule.title} (kparity explain {rule.id})"
        elif cause.phase == "init":
            fix = "Set the initializer explicitly to the one that Keras 2 used."
        elif cause.kind in {"fed", "refused"}:
            fix = "Give `fit` the batches as a `tf.data.Dataset`: both Kerases take these as they come."
        elif cause.phase == "data":
            fix = "Where the sample weights alone differ, give them instead of `class_weight`. " * (
                cause.evidence.get("parts") == ["sample weights"]
            )
            fix += "Make the data function deterministic: seed it, and read nothing that changes between two calls."
            if self.reference["making"]:
                fix += " Call layers that make data at the head of the model instead: each of them is compared there."
        elif cause.layer and self.calls.frozen(cause.layer):
            fix = "A number as a seed draws the same numbers every time: keep a `keras.random.SeedGenerator` of it."
        elif cause.kind == "stopped":
            fix = "Compare the arguments and the source of the callback that stops: patience, min_delta, mode, monitor."
        elif cause.kind == "weights":
            fix = "Compare the arguments and the source of the callback that sets weights: restore_best_weights, start."
        if not fix:
            fix = _FALLBACK.get(cause.phase, "Compare the two sources of this class.")
        return {
            "phase": cause.phase,
            "layer": cause.layer,
            "variable": cause.variable,
            "step": cause.step,
            "kind": cause.kind,
            "local_error": cause.local_error,
            "noise_floor": cause.noise_floor,
            "rule": rule.id if rule else None,
            "proven": cause.proven,
            "message": message,
            "fix": fix,
            "also": list(cause.also),
            "evaluated": cause.evaluated,
            "sources": None,
            "share": None,
        }

    def _what(self, cause: Cause, subject: str) -> str:
        ours, theirs = self.names
        if cause.kind == "missing-variable":
            return f"{theirs} has no variable `{cause.variable}` of shape {cause.evidence['shape']}; {ours} has."
        if cause.kind == "extra-variable":
            return f"{theirs} has a variable `{cause.variable}` of shape {cause.evidence['shape']}; {ours} has not."
        if cause.kind == "other-shape":
            shapes = cause.evidence["shape"], cause.evidence["other"]
            return f"The variable `{cause.variable}` has the shape {shapes[0]} in {ours} and {shapes[1]} in {theirs}."
        if cause.kind in {"frozen", "unfrozen"}:
            trained, left = (ours, theirs) if cause.kind == "frozen" else (theirs, ours)
            return f"{subject} is trained in {trained} and frozen in {left}: `{cause.variable}`."
        if cause.kind == "missing-layer":
            return (
                f"{theirs} has no layer `{cause.layer}`, which {ours} calls in front of `{cause.evidence['before']}`."
            )
        if cause.kind == "extra-layer":
            return f"{theirs} calls a layer `{cause.layer}` before `{cause.evidence['before']}`; {ours} has none."
        if cause.kind == "stopped":
            left, right = (f"after step {end}" if end else "not at all" for end in cause.evidence["ends"])
            return f"Told the same numbers, the callbacks end the training {left} in {ours}, and {right} in {theirs}."
        if cause.kind == "validated":
            left, right = cause.evidence["values"]
            return (
                f"{subject} is {left:.6g} in {ours} and {right:.6g} in {theirs} of the same weights, though single "
                "batches are evaluated alike: it is how data are cut into batches, or batches added up."
            )
        if cause.kind == "predicted":
            return (
                f"`predict` gives other outputs ({_percent(cause.local_error)}) of the same inputs and weights, though "
                "the model itself does not: it is what its `predict_step` makes of them."
            )
        if cause.kind == "weights":
            left, right = (_marked(marks, cause.step or 0) for marks in cause.evidence["marks"])
            return (
                f"Told the same numbers, the callbacks leave {left} after step {cause.step} in {ours}, and {right} in "
                f"{theirs}."
            )
        if cause.kind in {"fed", "refused"}:
            return self._fed(cause) + "; here both sides were trained on the same batches."
        if cause.phase == "data":
            if cause.kind == "length":
                return f"One side has no batch {cause.step}: the data have different lengths."
            apart = " and ".join(cause.evidence["parts"])
            told = f"The {apart} of batch {cause.step} are not the same; training went on with those of {ours}."
            if called := [kind for kind in self.reference["making"] if kind in self.candidate["making"]]:
                told += f" The program calls layers outside of the training, of the same draws: {', '.join(called)}."
            return told
        size = _percent(cause.local_error)
        if cause.phase == "init":
            return f"{subject} starts with other values of `{cause.variable}` from the same random draws ({size})."
        if cause.kind in {"missing-slot", "extra-slot"}:
            keeps, lacks = (ours, theirs) if cause.kind == "missing-slot" else (theirs, ours)
            return f"{subject} keeps `{cause.evidence['quantity']}` in {keeps} and not in {lacks}."
        if cause.kind == "initial-slot":
            return f"{subject} starts with another `{cause.evidence.get('quantity', cause.variable)}` ({size})."
        if cause.kind == "given-mask":
            inside = cause.evidence["array"].endswith(f"|{INSIDE}")
            start = f"{subject} gives what is inside of it" if inside else f"{subject} is given"
            return f"{start} another mask than in {ours}; it computes something else ({size})."
        if cause.kind == "mask":
            return f"{subject} passes on another mask than in {ours}; what reads it computes something else ({size})."
        if cause.kind == "shape":
            where = "What reaches" if cause.evidence["array"].startswith("in|") else "What comes out of"
            return f"{where} {subject} has another shape in {theirs} than in {ours}."
        if cause.kind == "draws":
            anew, once = (ours, theirs) if cause.evidence["looped"] else (theirs, ours)
            return (
                f"In compiled training {subject} draws anew at every time step in {anew}, and in {once} once for all."
            )
        if cause.kind == "no-gradient" and not cause.variable:
            return f"{subject} passes a gradient back to all its inputs in {ours}, and not in {theirs}."
        if cause.kind == "no-gradient":
            return f"`{cause.variable}` gets a gradient in {ours} and none in {theirs}."
        if cause.kind == "nan":
            return f"{subject} gives NaN or infinity in {theirs} and finite numbers in {ours}, from the same inputs."
        if cause.variable == "learning_rate":
            left, right = cause.evidence.get("rates", (None, None))
            return (
                f"The learning rate is {left:.6g} in {ours} and {right:.6g} in {theirs}."
                if left is not None
                else (f"The learning rate differs ({size}).")
            )
        if cause.phase == "forward":
            between = cause.evidence.get("array", "").startswith("in|")
            if "takes" in cause.evidence:
                left, right = cause.evidence["takes"]
                more = f" Wired otherwise with it: `{'`, `'.join(cause.also)}`." if cause.also else ""
                return f"{subject} takes what `{left}` gives in {ours}, and what `{right}` gives in {theirs}.{more}"
            start = f"What is computed in front of {subject}" if between else f"{subject}"
            if between and "before" in cause.evidence:
                start = f"What {subject} computes in front of `{cause.evidence['before']}`"
                return f"{start} is another number ({size})."
            same = "inputs, weights, masks and draws"
            if cause.layer and self.calls.draws(cause.layer) is not None:
                same = "inputs, weights and masks"
            return f"{start} gives another output from the same {same} ({size})."
        if cause.phase == "loss" and cause.variable:
            return f"The penalty on `{cause.variable}` differs, in the total loss and in its gradient ({size})."
        if cause.phase == "loss" and cause.layer:
            return f"What `{cause.layer}` adds to the loss is another number from the same inputs ({size})."
        if cause.phase == "loss":
            total = (
                "the same values of each loss" if "total" in cause.evidence.get("kinds", []) else "the same predictions"
            )
            return f"The loss is another number from {total} ({size})."
        if cause.phase == "gradient":
            return f"{subject} gives another gradient from the same inputs and upstream gradient ({size})."
        if cause.kind == "sparse":
            return (
                f"{subject} makes another `{cause.evidence['quantity']}` of the same sparse gradient ({size}): rows "
                "that one batch names more than once are not added up in the same way."
            )
        if cause.phase == "optimizer":
            quantities = cause.evidence.get("quantities", [cause.evidence.get("quantity", "update")])
            named = " and ".join(f"`{quantity}`" for quantity in quantities if quantity != "update")
            made = f"gives {named} another value" if named else "makes another update of the same weights"
            return f"{subject} {made} from the same gradients ({size})."
        if cause.phase == "state" and cause.evidence.get("array", "").endswith("|end"):
            return f"{subject}: after its update `{cause.variable}` is given another value ({size})."
        if cause.phase == "state":
            return f"{subject} updates `{cause.variable}` to another value from the same inputs ({size})."
        return (
            f"A reported number differs while the model does not: {subject} is another value of the same predictions "
            f"({size})."
        )

    def _fed(self, cause: Cause) -> str:
        ours, theirs = self.names
        told = cause.evidence
        if cause.kind == "refused":
            return f"`fit` of {theirs} does not take what that of {ours} takes: {told['message']}"
        if told["what"] == "sizes":
            left, right = (f"{sum(sizes)} rows in {len(sizes)} batches" for sizes in told["sizes"])
            return f"Of the same data, `fit` hands a training step {left} an epoch in {ours}, and {right} in {theirs}"
        if told["what"] == "rows":
            return f"In {theirs}, `fit` hands the training step other {' and '.join(told['parts'])} than in {ours}"
        left, right = ("in another order each epoch" if shuffled else "in one order" for shuffled in told["shuffled"])
        if left == right:
            right = "in another"
        return f"`fit` hands the batches to the training step {left} in {ours}, and {right} in {theirs}"

    def _draws(self, cause: Cause) -> str:
        def kinds(side: Description) -> list[str]:
            owner = side["owners"].get(cause.variable, "")
            told = []
            for draw in side["census"]:
                if draw["owner"] == owner:
                    numbers = ", ".join(
                        f"{value:.4g}" for value in draw["parameters"] if isinstance(value, (int, float))
                    )
                    told.append(f"{draw['kind']}({numbers})")
            return told

        left, right = kinds(self.reference), kinds(self.candidate)
        if left == right:
            return ""
        ours, theirs = self.names
        return f" {ours} draws {', '.join(left) or 'nothing'}; {theirs} draws {', '.join(right) or 'nothing'}."

    def _rule(self, cause: Cause, canonical: str, changed: Mapping[str, tuple[Any, Any]]) -> Rule | None:
        """The rule that says it shows exactly what was measured, in this class and phase.

        Where the configuration differs, that is the reason, and only a rule that names the change is named.
        """
        config = self.layers.get(cause.layer or "", ({"config": {}}, None))[0]["config"]
        also = [f"{name}={_plain(value)}" for name, value in config.items() if name not in changed]
        also += [f"changed {name} {_short(left)}->{_short(right)}" for name, (left, right) in changed.items()]
        known = {
            "kind": [cause.kind],
            "quantity": [str(cause.evidence.get("quantity", ""))],
            "variable": [(cause.variable or "").split(":")[-1]],
            "with": also
            + facts(self.calls, cause.layer)
            + cause.evidence.get("with", [])
            + [EVALUATED] * cause.evaluated,
        }
        for rule in self.rules:
            by_phase = {"loss": "<loss>.", "metric": "<model>."}
            subject = by_phase.get(cause.phase, "<none>" if cause.layer is None else "<layer>.")
            called = any(one.startswith(subject) for one in rule.applies)
            named = called or any(fnmatch.fnmatchcase(canonical, one) for one in rule.applies)
            seen = known
            if rule.id in self.told:
                named, seen = (
                    named or IN_CODE in rule.shows.get("with", ""),
                    known | {"with": [*known["with"], IN_CODE]},
                )
            if not (named and rule.phase == cause.phase and rule.shows) or not fits(rule.shows, seen):
                continue
            if cause.evaluated != (EVALUATED in rule.shows.get("with", "")):
                continue
            if not changed or "changed " in rule.shows.get("with", ""):
                return rule
        return None


def _said(value: Any) -> str:
    """A setting as code has it: float32 numbers without the digits that float64 finds behind them."""
    return f"{value:.7g}" if isinstance(value, float) else repr(value)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_FALLBACK = {
    "config": "Give the layer the same arguments on both sides.",
    "forward": "Compare this layer's arguments and its source in the two Kerases.",
    "loss": "Compare reduction, label smoothing, from_logits, masks and loss weights of the two sides.",
    "gradient": "Compare regularizers, custom gradients and what is excluded from training.",
    "optimizer": "State every hyperparameter of the optimizer explicitly, with the values of Keras 2.",
    "state": "Compare what updates this variable: momentum, the formula of the statistic, what the program assigns.",
    "metric": "Compare what the metric is fed: mask, sample weights, and how batches are averaged.",
}


_STATE_ALONE = {"momentum"}
"""Settings of layers with moving statistics that change nothing of what the layer gives while it trains."""
_SAME = ({None, ""}, {None, False}, {"auto", "sum_over_batch_size"})
"""Settings that mean the same: Keras 2's `auto` reduction is the sum over the batch outside of strategies."""


def changes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Scalar settings that both sides state and that differ: name -> (reference, candidate)."""
    plain = (bool, int, float, str, type(None))
    found: dict[str, tuple[Any, Any]] = {}
    for name in ours.keys() & theirs.keys() - _UNTOLD:
        left, right = _plain(ours[name]), _plain(theirs[name])
        read = _READ_WITH.get(name)
        idle = read is not None and not ours.get(read) and not theirs.get(read)
        if isinstance(left, plain) and isinstance(right, plain) and not idle and not _same(left, right):
            found[name] = (left, right)
    return dict(sorted(found.items()))


def _plain(value: Any) -> Any:
    """A serialized object stands for its class: {"class_name": "Zeros", ...} -> "Zeros"; numbers out of strings."""
    if isinstance(value, Mapping) and "class_name" in value:
        return str(value["class_name"])
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return abs(left - right) <= 1e-6 * max(abs(left), abs(right))
    return left == right or {left, right} in _SAME


def _marked(marks: list[float] | None, step: int) -> str:
    """Which weights those are that hold the marks of a step."""
    if marks is None:
        return "the weights of that step"
    whole = round(marks[0])
    same = all(abs(mark - whole) < 1e-3 for mark in marks)
    return f"the weights of step {whole}" if same and 0 < whole < step else "weights of no one step"


def _percent(error: float | None) -> str:
    if error is None:
        return "differs"
    if error == float("inf"):
        return "not finite on one side"
    if error >= 10:
        return f"off by {error:,.0f} times its size"
    return f"{error:.2%} of its size" if error >= 1e-4 else f"{error:.1e} of its size"
