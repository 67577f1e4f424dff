"""Public reports of numbers that changed between Keras 2 and Keras 3, and what compare must say of each model.

In: nothing. Out: REPORTS. Called by the tests and by `write_table.py`. The models are our own, small, after what the
reports say of theirs; what the reporter saw and what the thread says of it is told here in our words.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """A public report. `causes`: what compare must name, in order, as (phase, a layer or variable, rule), the last two
    None where there is none; empty where both Kerases train alike now. `right`: how that stands to the report."""

    name: str
    issue: str
    saw: str
    causes: tuple[tuple[str, str | None, str | None], ...]
    right: str
    steps: int = 10
    proven: bool = True
    """Whether a counterfactual proves all of it."""

    @property
    def url(self) -> str:
        """Where the report stands."""
        project, number = self.issue.split("#")
        return f"https://github.com/{project}/issues/{number}"


REPORTS = (
    Report(
        "issue_20320",
        "keras-team/keras#20320",
        "LSTM encoder-decoder for translation, Keras 3.4.1: validation accuracy 10% instead of 60%; closed, no cause",
        (("optimizer", None, "KP231"),),
        "and with --keras3 3.4.1 the reported accuracy, which counts the padding: docs/keras-20320.md",
    ),
    Report(
        "issue_19993",
        "keras-team/keras#19993",
        "handwriting recognition, CNN + BLSTM + CTC: character error rate 5.7 instead of 4.6 (also tensorflow#71829)",
        (("forward", "blstm1/forward_lstm", "KP276"), ("state", "bn2", "KP230")),
        "what the maintainers name in the thread, LSTM's input dropout: docs/keras-19993.md",
    ),
    Report(
        "issue_20507",
        "keras-team/keras#20507",
        "EfficientNet-like models train otherwise as soon as there is batch normalization; points to #19649",
        (("state", "stem_bn", "KP230"),),
        "the layer that the reporter found by leaving layers out, and which of its variables",
    ),
    Report(
        "issue_19649",
        "keras-team/keras#19649",
        "BatchNormalization gives other numbers, the more so the larger the images; open",
        (("state", "bn", "KP230"),),
        "the moving variance; that its gradient only cancels otherwise is a note, decided in float64",
    ),
    Report(
        "issue_20285",
        "keras-team/keras#20285",
        "transfer learning: fit overrules training=False of the model, an unfrozen base normalizes anew",
        (("forward", "base/bn", "KP270"),),
        "the reporter's own finding, the layer and both modes",
    ),
    Report(
        "issue_65381",
        "tensorflow/tensorflow#65381",
        "hard_sigmoid reaches 0 at -3 instead of -2.5 since TensorFlow 2.16",
        (("forward", "lstm", "KP221"), ("forward", "gate", "KP221")),
        "both places where it is used",
    ),
    Report(
        "issue_117169",
        "tensorflow/tensorflow#117169",
        "trainable = False after compile counts in fit, against the documentation; GANs are written like that",
        (("config", "features", "KP570"),),
        "all four weights of the discriminator, which Keras 2 trains",
    ),
    Report(
        "issue_15249",
        "keras-team/keras#15249",
        "binary_crossentropy adds epsilon after it has clipped: 15.33 instead of 15.94 (Keras 2; Keras 3 does not)",
        (("loss", None, "KP323"),),
        "the loss, and that it was given saturated probabilities",
    ),
    Report(
        "issue_16239",
        "keras-team/keras#16239",
        "TimeDistributed(BatchNormalization()) and BatchNormalization() do not give the same",
        (("forward", "normalized", "KP273"),),
        "Keras 2 normalized all time steps together, as the answer there says; Keras 3 each by itself",
    ),
    Report(
        "issue_19992",
        "keras-team/keras#19992",
        "sparse gradients of embeddings are treated otherwise than in Keras 2 (the report is about speed)",
        (("optimizer", "words", "KP231"),),
        "the maintainer's words there on scatter_add; the numbers differ too: first steps up to 10 times as long",
    ),
    Report(
        "issue_15710",
        "keras-team/keras#15710",
        "Nadam of Keras 2 converges worse than its native kernel (also tensorflow#53204)",
        (("optimizer", None, "KP330"),),
        "its momentum product, which a compiled Keras 2 step multiplies once per weight",
    ),
    Report(
        "issue_20455",
        "keras-team/keras#20455",
        "MultiHeadAttention warns that masks get lost; since the fix the layer takes them off its inputs",
        (("init", "attention/query", "KP232"), ("forward", "attention", "KP272")),
        "both: wider initial weights, and the mask that the residual connection no longer has",
    ),
    Report(
        "issue_734",
        "keras-team/tf-keras#734",
        "sparse_categorical_crossentropy(ignore_class=-1) is NaN in Keras 2 and a number in Keras 3",
        (("loss", None, "KP3960"),),
        "the loss, at the first batch that has nothing but ignored labels",
    ),
    Report(
        "issue_27010",
        "tensorflow/tensorflow#27010",
        "a Softmax of masked elements alone is even, and should be zero; in Keras 3 it is",
        (("forward", "weights", "KP670"),),
        "the layer; only its rows without anything to read differ",
    ),
    Report(
        "issue_19780",
        "keras-team/keras#19780",
        "a U-Net: after loss_weights is mended, why is the result not the same in Keras 2 and 3?",
        (("state", "down_bn", "KP230"),),
        "nobody answers there; of a U-Net with batch normalization the moving variances differ, and nothing else",
    ),
    Report(
        "issue_19072",
        "keras-team/keras#19072",
        "digits do not converge with batch normalization in Keras 3.0 (fixed: round-off under XLA)",
        (("state", "bn2", "KP230"),),
        "the fix holds: what is left is the moving variance of small images, and bn3, behind Flatten, is equal",
    ),
    Report(
        "issue_41796",
        "tensorflow/tensorflow#41796",
        "trainable = False of a shared encoder, set after compile, changes what a compiled model trains",
        (("config", "encoder/code", "KP570"),),
        "the encoder's weights alone, which Keras 2 goes on training",
    ),
    Report(
        "issue_30109",
        "tensorflow/tensorflow#30109",
        "BatchNormalization in TimeDistributed gives bad validation loss and accuracy",
        (("forward", "normalized", "KP273"),),
        "the wrapper, whose time steps Keras 3 normalizes one by one",
    ),
    Report(
        "issue_16797",
        "keras-team/keras#16797",
        "which tf.Variable of a layer are trained is unpredictable (also tf-keras#513, tensorflow#38211)",
        (("config", "polynomial", "KP245"),),
        "those in a list, which migrate leaves; the one alone it made a keras.Variable",
    ),
    Report(
        "issue_18949",
        "keras-team/keras#18949",
        "use_ema=True averages to other numbers on other backends of Keras 3",
        (("optimizer", None, "KP370"),),
        "the average, of every weight; since Keras 3 it leaves the initial weights out on TensorFlow, too",
    ),
    Report(
        "issue_20496",
        "keras-team/keras#20496",
        "the loss of a function of one's own stays constant while predictions change",
        (),
        "nobody could reproduce it there, either",
    ),
    Report(
        "issue_19740",
        "keras-team/keras#19740",
        "with sample weights the loss is another number than the metric of the same name",
        (),
        "true of both Kerases, and alike",
    ),
    Report(
        "issue_34491",
        "tensorflow/tensorflow#34491",
        "loss and metric of masked sequences do not agree (also keras#15323, tf-keras#130)",
        (),
        "mended in both since TensorFlow 2.13",
    ),
    Report(
        "issue_40002",
        "tensorflow/tensorflow#40002",
        "metrics of compile do not respect masks",
        (),
        "they do on both sides now",
    ),
    Report(
        "issue_21675",
        "keras-team/keras#21675",
        "a model with a dict of outputs, whose metrics Keras 3.11 refuses",
        (),
        "it compiles again and trains alike",
    ),
    Report(
        "issue_20343",
        "keras-team/keras#20343",
        "losses of several outputs are reported weighted, in Keras 2 they were not",
        (),
        "mended in Keras 3.7 (pull request 20476)",
    ),
    Report(
        "issue_19406",
        "keras-team/keras#19406",
        "a variational autoencoder is slower, and needs another learning rate",
        (),
        "the same numbers today; of speed compare says nothing",
    ),
)
