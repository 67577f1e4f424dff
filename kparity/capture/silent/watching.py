"""Cases of callbacks, of `training=` given inside a functional model, of freezing, and of subclassed models.

In: nothing. Out: `cases()`, for tables.py.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kparity.capture.silent.case import Arrays, Case, said
from kparity.capture.silent.layers import made_here, value
from kparity.capture.silent.tools import Tools
from kparity.capture.silent.training import BINARY, REGRESSION, ROWS, WIDE, after, reported, targets


def cases() -> list[Case]:
    return [*_callbacks(), *_logs(), *_training_flag(), *_frozen(), *_own()]


def watched(name: str, arguments: dict[str, Any], metrics: Any = ("mae",), rate: float = 0.05, **fit: Any) -> Case:
    """Six epochs under one callback: history, epochs run, learning rate, files left."""

    def run(tools: Tools) -> Arrays:
        model = REGRESSION(tools)
        model.compile(tools.keras.optimizers.SGD(rate), "mse", metrics=list(metrics), run_eagerly=True)
        x, y = tools.x(ROWS, WIDE), targets(tools, "numbers")
        callback = getattr(tools.keras.callbacks, name)(**made_here(tools, arguments))
        how = {"epochs": 6, "batch_size": 4, "shuffle": False, "verbose": 0, "validation_split": 0.3, **fit}
        history = model.fit(x, y, callbacks=[callback], **how)
        found = reported(history.history)
        found["text|epochs"] = str(history.epoch)
        found["text|files"] = " ".join(sorted(str(p.name) for p in Path().rglob("*") if p.is_file()))
        found["learning rate"] = np.asarray(float(np.array(model.optimizer.learning_rate)))
        if name == "CSVLogger":
            found["text|header"] = Path("log.csv").read_text("utf-8").splitlines()[0]
        return {**found, **after(tools, model, x)}

    return Case("callback", name, "; ".join(p for p in (said(arguments), f"rate {rate}", said(fit)) if p), run)


def _callbacks() -> list[Case]:
    found = []
    for extra in (
        {"monitor": "val_loss"},
        {"monitor": "loss", "min_delta": 0.05},
        {"monitor": "val_loss", "patience": 2, "restore_best_weights": True},
        {"monitor": "val_mae", "patience": 1, "start_from_epoch": 2},
        {"monitor": "loss", "baseline": 0.01, "patience": 1},
        {"monitor": "loss", "mode": "max", "patience": 1},
        {"monitor": "nowhere"},
        {"monitor": "val_loss", "patience": 0, "restore_best_weights": True},
    ):
        found += [watched("EarlyStopping", extra, rate=rate) for rate in (0.05, 0.4)]
    for extra in (
        {"monitor": "val_loss", "patience": 1, "factor": 0.5},
        {"monitor": "loss", "patience": 1, "min_delta": 0.1, "cooldown": 1},
        {"monitor": "loss", "patience": 0, "min_lr": 0.01},
        {"monitor": "nowhere", "patience": 1},
    ):
        found += [watched("ReduceLROnPlateau", extra, rate=rate) for rate in (0.05, 0.4)]
    halve = value("rate / 2 each epoch", lambda t: lambda epoch, rate: float(rate) * 0.5)
    one = value("by epoch", lambda t: lambda epoch: 0.1 / (epoch + 1))
    found += [watched("LearningRateScheduler", {"schedule": how}) for how in (halve, one)]
    for extra in (
        {"filepath": "w-{epoch}.weights.h5", "save_weights_only": True},
        {"filepath": "w-{epoch}.weights.h5", "save_weights_only": True, "save_best_only": True, "monitor": "val_loss"},
        {
            "filepath": "m-{epoch:02d}-{val_loss:.2f}.keras",
            "save_best_only": True,
            "monitor": "val_mae",
            "mode": "auto",
        },
        {"filepath": "w-{epoch}-{batch}.weights.h5", "save_weights_only": True, "save_freq": 4},
        {"filepath": "m-{epoch}.keras", "initial_value_threshold": 0.5, "save_best_only": True},
    ):
        found += [watched("ModelCheckpoint", extra, rate=rate) for rate in (0.05, 0.4)]
    found += [watched("CSVLogger", {"filename": "log.csv"}), watched("TerminateOnNaN", {}, rate=1e20)]
    found += [watched("BackupAndRestore", {"backup_dir": "backup"}), watched("History", {})]
    return found


def _logs() -> list[Case]:
    """Which keys a callback of one's own gets, when, and their running values."""

    def run(tools: Tools, execution: int) -> Arrays:
        seen: list[str] = []
        losses: list[float] = []

        class Watch(tools.keras.callbacks.Callback):  # type: ignore[name-defined]
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                seen.append(f"batch {batch} {sorted(logs)}")
                losses.append(float(logs["loss"]))

            def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
                seen.append(f"test {batch} {sorted(logs)}")
                losses.append(float(logs["loss"]))

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                seen.append(f"epoch {epoch} {sorted(logs)}")
                losses.append(float(logs["loss"]))

            def on_train_end(self, logs: Any = None) -> None:
                seen.append(f"end {sorted(logs or {})}")

        watch = Watch()
        model = BINARY(tools)
        model.compile(
            "sgd",
            "binary_crossentropy",
            metrics=["accuracy"],
            steps_per_execution=execution,
            run_eagerly=execution == 1,
        )
        x, y = tools.x(ROWS, WIDE), targets(tools, "binary")
        model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0, validation_split=0.3, callbacks=[watch])
        return {
            "running loss": np.asarray(losses),
            "text|events": "\n".join(seen),
            "text|params": str(sorted(watch.params)),
            "text|metrics": " ".join(m.name for m in model.metrics),
            "text|metrics_names": " ".join(model.metrics_names),
        }

    return [
        Case("callback", "Callback", "what it is told", lambda t: run(t, 1)),
        Case("callback", "Callback", "what it is told; steps_per_execution=2", lambda t: run(t, 2)),
        Case("callback", "LambdaCallback", "epochs", _lambda),
    ]


def _lambda(tools: Tools) -> Arrays:
    seen: list[str] = []
    callback = tools.keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(f"begin {epoch}"),
        on_epoch_end=lambda epoch, logs: seen.append(f"end {epoch}"),
        on_batch_begin=lambda batch, logs: seen.append(f"batch {batch}"),
        on_batch_end=lambda batch, logs: seen.append(f"batch end {batch}"),
        on_train_begin=lambda logs: seen.append("train"),
        on_train_end=lambda logs: seen.append("trained"),
    )
    model = REGRESSION(tools)
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(tools.x(ROWS, WIDE), targets(tools, "numbers"), epochs=2, batch_size=4, verbose=0, callbacks=[callback])
    return {"text|events": "\n".join(seen)}


def _training_flag() -> list[Case]:
    """`layer(x, training=False)` and `training=True` said in so many words inside a functional model."""
    found = []

    def case(label: str, layer: Any, flag: bool | None, nested: bool = False, trainable: bool = True) -> Case:
        def run(tools: Tools) -> Arrays:
            keras = tools.keras
            start = keras.Input((WIDE,))
            middle = layer(keras)
            if nested:
                inner = keras.Input((WIDE,))
                middle = keras.Model(inner, layer(keras)(inner))
                middle.trainable = trainable
            hidden = middle(start) if flag is None else middle(start, training=flag)
            model = keras.Model(start, keras.layers.Dense(1)(hidden))
            tools.fill(model)
            model.compile("sgd", "mse", run_eagerly=True)
            x, y = tools.x(ROWS, WIDE), targets(tools, "numbers")
            found = reported(model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0).history)
            found["evaluate"] = np.asarray(model.evaluate(x, y, verbose=0))
            found["called for training"] = np.asarray(model(x, training=True))
            return {**found, **after(tools, model, x)}

        text = f"{label}(x" + ("" if flag is None else f", training={flag}") + ")"
        text += " of a model inside" * nested + ", trainable=False" * (not trainable)
        return Case("training", "training=", text, run)

    def norm(keras: Any) -> Any:
        return keras.layers.BatchNormalization(momentum=0.5)

    def drop(keras: Any) -> Any:
        return keras.layers.Dropout(1e-9)  # as good as no dropout: the numbers stay comparable

    def heavy(keras: Any) -> Any:
        return keras.layers.Dropout(0.5)

    for flag in (False, None):
        for nested in (False, True):
            found += [case("BatchNormalization", norm, flag, nested), case("Dropout(1e-9)", drop, flag, nested)]
    found += [case("Dropout(0.5)", heavy, False), case("Dropout(0.5)", heavy, False, True)]
    found += [case("BatchNormalization", norm, False, True, False), case("BatchNormalization", norm, None, True, False)]
    found += [case("BatchNormalization", norm, True), case("BatchNormalization", norm, True, True)]

    def carlo(tools: Tools) -> Arrays:
        keras = tools.keras
        start = keras.Input((WIDE,))
        model = keras.Model(start, keras.layers.Dropout(0.5)(start, training=True))
        x = tools.x(ROWS, WIDE, style="ones")
        again = [np.asarray(model.predict(x, verbose=0)) for _ in range(2)]
        called = [np.asarray(model(x)) for _ in range(2)]
        asked = [np.asarray(model(x, training=False)) for _ in range(2)]
        return {
            "text|predict drops": str(bool(np.any(again[0] == 0.0))),
            "text|model(x) drops": str(bool(np.any(called[0] == 0.0))),
            "text|model(x, training=False) drops": str(bool(np.any(asked[0] == 0.0))),
        }

    found.append(Case("training", "training=", "Dropout(0.5)(x, training=True), asked to predict", carlo))

    def subclassed(tools: Tools) -> Arrays:
        keras = tools.keras

        class Fixed(keras.Model):  # type: ignore[name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.norm = keras.layers.BatchNormalization(momentum=0.5)
                self.last = keras.layers.Dense(1)

            def call(self, x: Any) -> Any:
                return self.last(self.norm(x, training=False))

        model = Fixed()
        x, y = tools.x(ROWS, WIDE), targets(tools, "numbers")
        model(x)
        tools.fill(model)
        model.compile("sgd", "mse", run_eagerly=True)
        found = reported(model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0).history)
        return {**found, **after(tools, model, x)}

    return [*found, Case("training", "training=", "in call() of a subclass: norm(x, training=False)", subclassed)]


def _frozen() -> list[Case]:
    """`trainable = False` before and after compile."""

    def run(tools: Tools, when: str) -> Arrays:
        keras = tools.keras
        model = keras.Sequential(
            [
                keras.Input((WIDE,)),
                keras.layers.Dense(4),
                keras.layers.BatchNormalization(momentum=0.5),
                keras.layers.Dense(1),
            ]
        )
        tools.fill(model)
        x, y = tools.x(ROWS, WIDE), targets(tools, "numbers")
        if when == "before compile":
            model.layers[0].trainable = model.layers[1].trainable = False
        model.compile("sgd", "mse")
        if when == "after compile":
            model.layers[0].trainable = model.layers[1].trainable = False
        found = reported(model.fit(x, y, epochs=1, batch_size=4, shuffle=False, verbose=0).history)
        if when == "after fit":
            model.layers[0].trainable = model.layers[1].trainable = False
        more = reported(model.fit(x, y, epochs=1, batch_size=4, shuffle=False, verbose=0).history)
        return {**found, **{f"again {k}": v for k, v in more.items()}, **after(tools, model, x)}

    def bound(when: str) -> Any:
        return lambda tools: run(tools, when)

    return [
        Case("training", "trainable=False", when, bound(when))
        for when in ("before compile", "after compile", "after fit")
    ]


def _own() -> list[Case]:
    """Models with a train_step, add_loss and a loop of one's own."""

    def stepped(tools: Tools) -> Arrays:
        keras = tools.keras

        class Stepped(keras.Model):  # type: ignore[name-defined]
            def train_step(self, data: Any) -> Any:
                x, y = data
                with tf.GradientTape() as tape:
                    loss = tf.reduce_mean(tf.square(tf.cast(y, self.compute_dtype) - self(x, training=True)))
                gradients = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
                return {"mine": loss}

        start = keras.Input((WIDE,))
        model = Stepped(start, keras.layers.Dense(1)(keras.layers.BatchNormalization(momentum=0.5)(start)))
        tools.fill(model)
        model.compile("sgd", run_eagerly=True)
        x, y = tools.x(ROWS, WIDE), targets(tools, "numbers")
        found = reported(model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0).history)
        return {**found, **after(tools, model, x)}

    def added(tools: Tools) -> Arrays:
        keras = tools.keras

        class Penalty(keras.layers.Layer):  # type: ignore[name-defined]
            def call(self, x: Any) -> Any:
                self.add_loss(0.1 * tf.reduce_mean(tf.square(x)))
                return x

        model = keras.Sequential([keras.Input((WIDE,)), keras.layers.Dense(4), Penalty(), keras.layers.Dense(1)])
        tools.fill(model)
        model.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)
        x, y = tools.x(ROWS, WIDE), targets(tools, "numbers")
        found = reported(model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0).history)
        found["evaluate"] = np.asarray(model.evaluate(x, y, batch_size=4, verbose=0))
        return {**found, **after(tools, model, x)}

    def looped(tools: Tools) -> Arrays:
        model = REGRESSION(tools)
        optimizer, loss = tools.keras.optimizers.Adam(0.05), tools.keras.losses.MeanSquaredError()
        x, y = tools.x(ROWS, WIDE), targets(tools, "numbers")
        losses = []
        for _ in range(3):
            with tf.GradientTape() as tape:
                now = loss(y, model(x, training=True))
            optimizer.apply_gradients(
                zip(tape.gradient(now, model.trainable_variables), model.trainable_variables, strict=True)
            )
            losses.append(float(now))
        return {"losses": np.asarray(losses), **after(tools, model, x)}

    def stateful(tools: Tools) -> Arrays:
        keras = tools.keras
        start = keras.Input(batch_shape=(2, 3, 1))
        model = keras.Model(start, keras.layers.Dense(1)(keras.layers.LSTM(3, stateful=True)(start)))
        tools.fill(model)
        model.layers[1].reset_states()
        model.compile("sgd", "mse", run_eagerly=True)
        x, y = tools.x(8, 3, 1), tools.x(8, 1, key="y")
        found = reported(model.fit(x, y, epochs=2, batch_size=2, shuffle=False, verbose=0).history)
        found["predict"] = np.asarray(model.predict(x, batch_size=2, verbose=0))
        found["evaluate"] = np.asarray(model.evaluate(x, y, batch_size=2, verbose=0))
        return found

    return [
        Case("training", "train_step", "of one's own", stepped),
        Case("training", "add_loss", "in a layer", added),
        Case("training", "own loop", "Adam, three steps", looped),
        Case("training", "fit", "stateful LSTM", stateful),
    ]
