"""Faults that no step of training shows, because only an evaluation runs into them."""

from fault import Says, fault

OTHERWISE = """
@built
def otherwise(model):
    layer = model.get_layer({layer!r})
    call = layer.call

    @functools.wraps(call)
    def evaluated(*args, training=None, **kwargs):
        outputs = call(*args, training=training, **kwargs)
        return outputs if training else outputs * 1.001

    layer.call = evaluated
"""

BATCH_ALWAYS = """
@built
def always(model):
    layer = model.get_layer("bn")
    call = layer.call

    @functools.wraps(call)
    def batched(inputs, training=None, mask=None):
        return call(inputs, training=True, mask=mask)

    layer.call = batched
"""

NARROW = """
@patched(keras.layers.BatchNormalization, "call")
def narrow(original, self, inputs, training=None, mask=None):
    epsilon, self.epsilon = self.epsilon, self.epsilon if training else 2 * self.epsilon
    try:
        return original(self, inputs, training=training, mask=mask)
    finally:
        self.epsilon = epsilon
"""

LOSS = """
@patched(keras.Model, "compute_loss")
def more(original, self, *args, training=True, **kwargs):
    return original(self, *args, training=training, **kwargs) * (1.0 if training else 1.001)
"""

EVALUATED = [
    fault(
        "a dropout that scales where it is evaluated",
        "pixels",
        "evaluation",
        Says("forward", "dropout"),
        code=OTHERWISE.format(layer="dropout"),
    ),
    fault(
        "a batch normalization that is evaluated as trained",
        "rows",
        "evaluation",
        Says("forward", "bn"),
        code=BATCH_ALWAYS,
    ),
    fault("epsilon where it is evaluated", "rows", "evaluation", Says("forward", "bn"), code=NARROW),
    fault("the loss of an evaluation x1.001", "tokens", "evaluation", Says("metric", variable="loss"), code=LOSS),
    fault(
        "a rate, and a dropout that scales where it is evaluated",
        "pixels",
        "evaluation",
        Says("forward", "dropout"),
        Says("optimizer", variable="learning_rate"),
        swap=("learning_rate=0.01", "learning_rate=0.0101"),
        code=OTHERWISE.format(layer="dropout"),
    ),
]
