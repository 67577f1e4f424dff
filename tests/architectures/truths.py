"""What compare must say of each architecture under the installed versions, and why it is so.

Data only; read by test_architectures and by architectures_table.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """A model function of a file here, with its data function. `causes`: (phase, rule) of each cause, in causal order.

    `truth`: why, in a sentence, with the lines of both Kerases.
    """

    name: str
    file: str
    model: str = "build_model"
    data: str = "load_data"
    steps: int = 20
    causes: tuple[tuple[str, str | None], ...] = ()
    truth: str = "The same."


VARIANCE = (
    "Only predictions differ, by n / (n - 1) in the moving variance of images: the fused kernel's estimate "
    "(tf_keras/src/layers/normalization/batch_normalization.py:896-1040) against the variance itself "
    "(keras/src/layers/normalization/batch_normalization.py:364-389)."
)

ARCHITECTURES = [
    Architecture(
        "stacked Bidirectional LSTM with CTC",
        "ctc.py",
        causes=(("forward", "KP276"),),
        truth="dropout= of an LSTM drew a mask a time step (tf_keras/src/layers/rnn/lstm.py:601-778) and draws one a "
        "sequence (keras/src/layers/rnn/lstm.py:582-585).",
    ),
    Architecture("DCGAN", "gans.py", "dcgan", steps=10, causes=(("state", "KP230"),), truth=VARIANCE),
    Architecture("WGAN-GP", "gans.py", "wgan_gp", steps=10, causes=(("state", "KP230"),), truth=VARIANCE),
    Architecture(
        "VGG16", "applications.py", "vgg16", steps=3, truth="Without batch normalization or dropout it trains the same."
    ),
]
