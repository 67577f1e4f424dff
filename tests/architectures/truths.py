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
        "BERT-like encoder",
        "bert.py",
        truth="The same: `global_clipnorm` makes the embeddings' gradients dense before Adam squares them "
        "(keras/src/optimizers/base_optimizer.py:1190-1197), so rows that are named twice are added up as in Keras 2.",
    ),
    Architecture("U-Net", "unet.py", causes=(("state", "KP230"),), truth=VARIANCE),
    Architecture("VAE", "vae.py", truth="The same, with the same draws of the latent noise."),
    Architecture(
        "seq2seq with attention",
        "seq2seq.py",
        causes=(("optimizer", "KP231"),),
        truth="A token that a batch names twice: Keras 2 adds its gradients up before RMSprop squares them "
        "(tf_keras/src/optimizers/optimizer.py:168-186, 727-728), Keras 3 squares each (keras/src/optimizers/"
        "rmsprop.py:126-132); `clipnorm` leaves the rows apart on both sides.",
    ),
    Architecture("Siamese net", "siamese.py", truth="The same."),
    Architecture(
        "MobileNetV3Small",
        "applications.py",
        "mobilenet_v3_small",
        steps=3,
        causes=(("state", "KP230"),),
        truth=VARIANCE + " Its layers have other names, and hard_swish is one layer instead of four.",
    ),
    Architecture("ResNet50", "applications.py", "resnet50", steps=3, causes=(("state", "KP230"),), truth=VARIANCE),
    Architecture("MobileNet", "applications.py", "mobilenet", steps=3, causes=(("state", "KP230"),), truth=VARIANCE),
    Architecture(
        "MobileNetV2", "applications.py", "mobilenet_v2", steps=3, causes=(("state", "KP230"),), truth=VARIANCE
    ),
    Architecture(
        "EfficientNetB0", "applications.py", "efficientnet_b0", steps=3, causes=(("state", "KP230"),), truth=VARIANCE
    ),
    Architecture(
        "EfficientNetV2B0",
        "applications.py",
        "efficientnet_v2_b0",
        steps=3,
        causes=(("state", "KP230"),),
        truth=VARIANCE,
    ),
    Architecture(
        "DenseNet121", "applications.py", "densenet121", steps=3, causes=(("state", "KP230"),), truth=VARIANCE
    ),
    Architecture(
        "Xception", "applications.py", "xception", "load_data_72", 3, causes=(("state", "KP230"),), truth=VARIANCE
    ),
    Architecture(
        "InceptionV3",
        "applications.py",
        "inception_v3",
        "load_data_75",
        3,
        causes=(("state", "KP230"),),
        truth=VARIANCE,
    ),
    Architecture(
        "NASNetMobile", "applications.py", "nasnet_mobile", steps=3, causes=(("state", "KP230"),), truth=VARIANCE
    ),
    Architecture(
        "ConvNeXtTiny",
        "applications.py",
        "convnext_tiny",
        steps=3,
        truth="Without batch normalization it trains the same: layer normalization has no moving variance.",
    ),
    Architecture(
        "VGG16", "applications.py", "vgg16", steps=3, truth="Without batch normalization or dropout it trains the same."
    ),
]
