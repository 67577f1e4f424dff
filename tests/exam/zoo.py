"""Models of many layers side by side, that both Kerases have and compute alike: pairs of one and the same program.

Data only; read by `pairs`. Left out are layers of which Keras 3 really computes something else (`rules/`).
"""

BRANCHES = """def branches(x):
{lines}


def build_model():
    inputs = keras.Input({shape})
    heads = []
    for name, value in branches(inputs):
        heads.append(layers.Dense(4, name="head_" + name)(layers.Flatten(name="flat_" + name)(value)))
    return finish(inputs, layers.Softmax(name="probabilities")(layers.Add(name="total")(heads)))
"""
DATA = """def load_data():
    random = np.random.RandomState(0)
    return {{"x": random.rand(96, {shape}).astype("float32"), "y": random.randint(0, 4, 96), "batch_size": 16}}


"""


def zoo(shape: tuple[int, ...], **layers: str) -> tuple[str, str]:
    """The code of a model with these layers, by name, and that of its data."""
    lines = "\n".join(f'    yield "{name}", {code}' for name, code in layers.items())
    return BRANCHES.format(lines=lines, shape=shape), DATA.format(shape=", ".join(map(str, shape)))


SEQUENCES = zoo(
    (12, 6),
    c1t='layers.Conv1DTranspose(4, 3, strides=2, padding="same", activation="relu", name="c1t")(x)',
    separable='layers.SeparableConv1D(5, 3, name="separable")(x)',
    depthwise='layers.DepthwiseConv1D(3, name="depthwise")(x)',
    average='layers.AveragePooling1D(3, 2, padding="same", name="average")(x)',
    largest='layers.MaxPooling1D(3, 2, padding="same", name="largest")(x)',
    all_largest='layers.GlobalMaxPooling1D(name="all_largest")(x)',
    cropped='layers.Cropping1D((1, 2), name="cropped")(x)',
    repeated='layers.UpSampling1D(2, name="repeated")(x)',
    padded='layers.ZeroPadding1D((1, 2), name="padded")(x)',
    simple='layers.SimpleRNN(5, return_sequences=True, name="simple")(x)',
    stack='layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], name="stack")(x)',
    backwards='layers.RNN(layers.SimpleRNNCell(4), go_backwards=True, name="backwards")(x)',
    before='layers.GRU(4, reset_after=False, name="before")(x)',
    product='layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="mul", name="product")(x)',
    einsum='layers.EinsumDense("abc,cd->abd", output_shape=(12, 5), bias_axes="d", name="einsum")(x)',
    attention='layers.Attention(use_scale=True, name="attention")([x, x])',
    additive='layers.AdditiveAttention(name="additive")([x, x])',
    unit='layers.UnitNormalization(name="unit")(x)',
    noisy='layers.GaussianDropout(0.2, name="noisy")(x)',
    noise='layers.GaussianNoise(0.2, name="noise")(x)',
    alpha='layers.AlphaDropout(0.2, name="alpha")(x)',
    channels='layers.SpatialDropout1D(0.2, name="channels")(x)',
    upper='layers.Maximum(name="upper")([x, layers.Dense(6, name="upper_in")(x)])',
    lower='layers.Minimum(name="lower")([x, layers.Dense(6, name="lower_in")(x)])',
    dot='layers.Dot(axes=2, normalize=True, name="dot")([x, layers.Dense(6, name="dot_in")(x)])',
    penalty='layers.ActivityRegularization(l1=0.01, l2=0.02, name="penalty")(layers.Dense(3, name="penalty_in")(x))',
    again='layers.RepeatVector(3, name="again")(layers.Flatten(name="again_in")(x))',
    spectral='layers.SpectralNormalization(layers.Dense(4), name="spectral")(x)',
)
PICTURES = zoo(
    (12, 12, 3),
    separable='layers.SeparableConv2D(4, 3, depth_multiplier=2, name="separable")(x)',
    transposed='layers.Conv2DTranspose(4, 3, strides=2, output_padding=1, padding="valid", name="transposed")(x)',
    groups='layers.Conv2D(6, 3, groups=3, dilation_rate=2, name="groups")(x)',
    bilinear='layers.UpSampling2D((2, 3), interpolation="bilinear", name="bilinear")(x)',
    resized='layers.Resizing(8, 7, name="resized")(x)',
    bicubic='layers.Resizing(7, 8, interpolation="bicubic", name="bicubic")(x)',
    nearest='layers.Resizing(7, 8, interpolation="nearest", name="nearest")(x)',
    aspect='layers.Resizing(8, 6, crop_to_aspect_ratio=True, name="aspect")(x)',
    middle='layers.CenterCrop(6, 5, name="middle")(x)',
    rescaled='layers.Rescaling(2.0, offset=-1.0, name="rescaled")(x)',
    largest='layers.GlobalMaxPooling2D(keepdims=True, name="largest")(x)',
    channels='layers.SpatialDropout2D(0.2, name="channels")(x)',
    cropped='layers.Cropping2D(((1, 2), (0, 3)), name="cropped")(x)',
    padded='layers.ZeroPadding2D(((1, 2), (0, 3)), name="padded")(x)',
    normal='layers.LayerNormalization(axis=[1, 2], name="normal")(x)',
    group_norm='layers.GroupNormalization(3, name="group_norm")(x)',
    spectral='layers.SpectralNormalization(layers.Conv2D(3, 3), power_iterations=2, name="spectral")(x)',
    permuted='layers.Permute((3, 1, 2), name="permuted")(x)',
    slopes='layers.PReLU(shared_axes=[1, 2], name="slopes")(layers.Conv2D(3, 1, name="slopes_in")(x))',
    rows='layers.ConvLSTM1D(3, 3, recurrent_activation="sigmoid", name="rows")(x)',
    pooled='layers.MaxPooling2D(3, 2, padding="same", name="pooled")(x)',
    average='layers.AveragePooling2D(3, 2, padding="same", name="average")(x)',
    bent='layers.ReLU(max_value=0.8, negative_slope=0.1, threshold=0.3, name="bent")(x)',
    along='layers.Softmax(axis=1, name="along")(x)',
)
VOLUMES = zoo(
    (6, 6, 6, 2),
    conv='layers.Conv3D(3, 3, padding="same", name="conv")(x)',
    transposed='layers.Conv3DTranspose(2, 2, strides=2, name="transposed")(x)',
    average='layers.AveragePooling3D(2, name="average")(x)',
    pooled='layers.MaxPooling3D(2, padding="same", strides=1, name="pooled")(x)',
    mean='layers.GlobalAveragePooling3D(name="mean")(x)',
    largest='layers.GlobalMaxPooling3D(name="largest")(x)',
    cropped='layers.Cropping3D(1, name="cropped")(x)',
    padded='layers.ZeroPadding3D(1, name="padded")(x)',
    repeated='layers.UpSampling3D(2, name="repeated")(x)',
    channels='layers.SpatialDropout3D(0.3, name="channels")(x)',
    memory='layers.ConvLSTM2D(3, 2, recurrent_activation="sigmoid", return_sequences=True, name="memory")(x)',
    each='layers.TimeDistributed(layers.Conv2D(2, 3), name="each")(x)',
)
AUGMENTED = zoo(
    (12, 12, 3),
    across='layers.RandomFlip("horizontal", name="across")(x)',
    down='layers.RandomFlip("vertical", name="down")(x)',
    turned='layers.RandomRotation(0.1, name="turned")(x)',
    zoomed='layers.RandomZoom(0.2, name="zoomed")(x)',
    moved='layers.RandomTranslation(0.1, 0.2, name="moved")(x)',
    bright='layers.RandomBrightness(0.2, value_range=(0, 1), name="bright")(x)',
)
LEARNED = (
    """def build_model():
    size = keras.Input((3,), name="size")
    word, text = keras.Input((1,), dtype="string", name="word"), keras.Input((1,), dtype="string", name="text")
    normal = layers.Normalization(name="normal")
    normal.adapt(SIZE)
    bins = layers.Discretization(num_bins=4, output_mode="one_hot", name="bins")
    bins.adapt(SIZE[:, :1])
    known = layers.StringLookup(output_mode="one_hot", name="known")
    known.adapt(WORD)
    rare = layers.TextVectorization(max_tokens=20, output_mode="tf_idf", name="rare")
    rare.adapt(TEXT)
    hashed = layers.Hashing(num_bins=5, output_mode="one_hot", name="hashed")
    parts = [normal(size), bins(size[:, :1]), known(word), hashed(word), rare(text)]
    x = layers.Dense(8, activation="relu", name="x")(layers.Concatenate(name="parts")(parts))
    return finish([size, word, text], layers.Dense(3, activation="softmax", name="kind")(x))
""",
    """RANDOM = np.random.RandomState(0)
SIZE = RANDOM.gamma(2.0, 3.0, (96, 3)).astype("float32")
WORD = RANDOM.choice(["a", "b", "c", "d", "zz"], (96, 1))
TEXT = np.array([[" ".join(RANDOM.choice("the cat sat on a mat, Dog! ran far".split(), 6))] for _ in range(96)])


def load_data():
    y = np.random.RandomState(1).randint(0, 3, 96)
    return tf.data.Dataset.from_tensor_slices(({"size": SIZE, "word": WORD, "text": TEXT}, y)).batch(16)


""",
)
READ_INSIDE = (
    """def build_model():
    inputs = keras.Input((8,), name="seen")
    hidden = layers.Dense(6, activation="relu", name="hidden")(inputs)
    mean, spread = layers.Dense(2, name="middle")(hidden), layers.Dense(2, name="spread")(hidden)
    encoder = keras.Model(inputs, [mean, spread], name="encoder")
    latent = keras.Input((2,), name="latent")
    decoder = keras.Model(latent, layers.Dense(8, activation="sigmoid", name="again")(latent), name="decoder")
    outputs = decoder(encoder(inputs)[0])
    model = keras.Model(inputs, outputs, name="autoencoder")
    apart = -0.5 * keras.backend.sum(1 + spread - keras.backend.square(mean) - keras.backend.exp(spread), axis=-1)
    model.add_loss(keras.backend.mean(8 * keras.losses.binary_crossentropy(inputs, outputs) + apart))
    model.compile("adam")
    return model
""",
    """def load_data():
    return {"x": np.random.RandomState(0).rand(96, 8).astype("float32"), "batch_size": 16}


""",
)
ZOOS = {
    "an inner model that the outer one reads, too": READ_INSIDE,
    "layers of sequences": SEQUENCES,
    "layers of images": PICTURES,
    "layers of volumes": VOLUMES,
    "layers that augment images": AUGMENTED,
    "layers that learned a vocabulary": LEARNED,
}
