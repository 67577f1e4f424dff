"""Faults of optimizers: their formulas, rates, clipping, decay, averages, and what they begin with."""

from fault import Says, fault

SAID = Says("optimizer")
RATE = Says("optimizer", variable="learning_rate")

ADAM = """
def update(self, gradient, variable, rate):
    index = self._get_variable_index(variable)
    m, v = self._momentums[index], self._velocities[index]
    self.assign_add(m, (gradient - m) * (1 - self.beta_1))
    self.assign_add(v, (tf.square(gradient) - v) * (1 - self.beta_2))
    step = tf.cast(tf.convert_to_tensor(self.iterations), tf.float32) + 1
    one, two = 1 - tf.pow(self.beta_1, step), 1 - tf.pow(self.beta_2, step)
    m, v = tf.convert_to_tensor(m), tf.convert_to_tensor(v)
    self.assign_sub(variable, {})


keras.optimizers.Adam.update_step = update
"""
"""Adam with a formula of its own for the update; `one` and `two` are the corrections of its bias."""

SGD = """
def update(self, gradient, variable, rate):
    m = self.momentums[self._get_variable_index(variable)]
    number = tf.convert_to_tensor(self.iterations)
    {}


keras.optimizers.SGD.update_step = update
"""
"""SGD with a formula of its own; `number` counts the steps before this one."""

ONE_RATE = """
@patched(keras.optimizers.SGD, "update_step")
def faster(original, self, gradient, variable, rate):
    original(self, gradient, variable, rate * (1.01 if variable.shape == (128, 10) else 1.0))
"""

COUPLED = """
@patched(keras.optimizers.AdamW, "apply")
def coupled(original, self, grads, variables=None):
    original(self, [g + 0.01 * tf.convert_to_tensor(v) for g, v in zip(grads, variables)], variables)


keras.optimizers.AdamW._apply_weight_decay = lambda self, variables: None
"""

OPTIMIZERS = [
    fault(
        "no correction of Adam's bias",
        "pixels",
        "optimizer",
        SAID,
        code=ADAM.format("rate * m / (tf.sqrt(v) + self.epsilon)"),
    ),
    fault(
        "Adam's epsilon inside of the root",
        "pixels",
        "optimizer",
        SAID,
        code=ADAM.format("rate * m * tf.sqrt(two) / one / tf.sqrt(v + self.epsilon)"),
    ),
    fault(
        "Adam's epsilon added after the correction",
        "pixels",
        "optimizer",
        SAID,
        code=ADAM.format("rate * m / one / (tf.sqrt(v / two) + self.epsilon)"),
    ),
    fault(
        "Adam counts its steps from two",
        "pixels",
        "optimizer",
        SAID,
        code=ADAM.replace("+ 1\n", "+ 2\n").format("rate * m * tf.sqrt(two) / one / (tf.sqrt(v) + self.epsilon)"),
    ),
    fault(
        "momentum dampened",
        "rows",
        "optimizer",
        SAID,
        code=SGD.format("self.assign(m, 0.9 * m - 0.1 * rate * gradient)\n    self.assign_add(variable, m)"),
    ),
    fault(
        "momentum multiplied by the rate late, not early",
        "rows",
        "optimizer",
        Says("optimizer", step=1),
        code=SGD.format("self.assign(m, self.momentum * m + gradient)\n    self.assign_sub(variable, rate * m)"),
    ),
    fault(
        "momentum forgotten at step 11",
        "waves",
        "late",
        Says("optimizer", step=11),
        code=SGD.format(
            "self.assign(m, tf.where(number == 10, 0.0, 0.8) * m - rate * gradient)\n"
            "    self.assign_add(variable, 0.8 * m - rate * gradient)"
        ),
    ),
    fault(
        "the last layer learns faster by 1.01",
        "rows",
        "learning rate",
        Says("optimizer", "digit", "digit:kernel"),
        code=ONE_RATE,
    ),
    fault("weight decay coupled", "taught", "weight decay", SAID, code=COUPLED),
    fault(
        "weight decay not of biases",
        "taught",
        "weight decay",
        Says("optimizer", step=2),
        code="""
@built
def exclude(model):
    model.optimizer.exclude_from_weight_decay(var_names=["bias"])
""",
    ),
    fault("weight decay x1.001", "taught", "weight decay", SAID, swap=("weight_decay=0.01", "weight_decay=0.01001")),
    fault("weight decay left out", "taught", "weight decay", SAID, swap=("weight_decay=0.01", "weight_decay=0.0")),
    fault("clipped one by one", "taught", "clipping", SAID, swap=("global_clipnorm", "clipnorm")),
    fault(
        "clipped at 1.001 times the norm",
        "taught",
        "clipping",
        SAID,
        swap=("global_clipnorm=0.1", "global_clipnorm=0.1001"),
    ),
    fault("clipping left out", "phrases", "clipping", SAID, swap=(", clipnorm=0.1", "")),
    fault("clipped by value elsewhere", "waves", "clipping", SAID, swap=("clipvalue=0.002", "clipvalue=0.0021")),
    fault("nesterov left out", "waves", "optimizer", SAID, swap=("nesterov=True", "nesterov=False")),
    fault("decay of squares x1.001", "pictures", "optimizer", SAID, swap=("rho=0.9", "rho=0.9009")),
    fault("centered", "pictures", "optimizer", SAID, swap=("momentum=0.5)", "momentum=0.5, centered=True)")),
    fault("momentum left out", "pictures", "optimizer", Says("optimizer", step=2), swap=(", momentum=0.5)", ")")),
    fault(
        "another initial accumulator",
        "orders",
        "optimizer",
        Says("optimizer", kind="initial-slot"),
        swap=("Adagrad(learning_rate=0.05)", "Adagrad(learning_rate=0.05, initial_accumulator_value=0.11)"),
    ),
    fault(
        "beta_2 of Adamax",
        "sketches",
        "optimizer",
        Says("optimizer", step=2),
        swap=("Adamax(learning_rate=0.01)", "Adamax(learning_rate=0.01, beta_2=0.99)"),
    ),
    fault("no average of weights", "events", "optimizer", SAID, swap=(", use_ema=True, ema_momentum=0.9", "")),
    fault(
        "weights overwritten by their average at step 10",
        "events",
        "late",
        Says("optimizer", step=10),
        swap=("ema_momentum=0.9)", "ema_momentum=0.9, ema_overwrite_frequency=10)"),
    ),
    fault(
        "gradients accumulated over two steps",
        "rows",
        "optimizer",
        SAID,
        swap=("momentum=0.9)", "momentum=0.9, gradient_accumulation_steps=2)"),
    ),
    fault(
        "gradients not scaled back",
        "rows",
        "loss",
        Says("loss"),
        code="""
@built
def scale(model):
    model.optimizer.scale_loss = lambda loss: loss * 1.5
""",
    ),
    fault("warm-up off by one", "phrases", "learning rate", RATE, swap=("tf.float32) + 1.0", "tf.float32) + 2.0")),
    fault(
        "warm-up longer by 1.001", "phrases", "learning rate", RATE, swap=("WarmUp(0.01, 15.0)", "WarmUp(0.01, 15.015)")
    ),
    fault(
        "another rate from step 31 on",
        "phrases",
        "late",
        Says("optimizer", variable="learning_rate", step=31),
        swap=("return self.peak * tf", "return tf.where(step > 30.0, 1.01, 1.0) * self.peak * tf"),
        steps=60,
    ),
    fault(
        "a boundary off by one",
        "parts",
        "late",
        Says("optimizer", variable="learning_rate", step=25),
        swap=("Decay([24]", "Decay([23]"),
        steps=40,
    ),
    fault("epsilon 1e-9 is 1e-8", "phrases", "optimizer", SAID, swap=("epsilon=1e-9", "epsilon=1e-8")),
    fault(
        "the generator's optimizer learns faster by 1.01",
        "gan",
        "learning rate",
        RATE,
        swap=("learning_rate=0.005", "learning_rate=0.00505"),
    ),
    fault(
        "the discriminator's optimizer has another beta_1",
        "gan",
        "optimizer",
        SAID,
        swap=("rate=0.01, beta_1=0.5", "rate=0.01, beta_1=0.51"),
    ),
    fault(
        "the generator's optimizer has another epsilon",
        "gan",
        "optimizer",
        SAID,
        swap=("rate=0.005, beta_1=0.5", "rate=0.005, beta_1=0.5, epsilon=1e-6"),
    ),
]
