"""Handwriting recognition: convolutions with PReLU and batch normalization, bidirectional LSTMs with dropout, CTC."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

WIDTH, HEIGHT, LETTERS, LONGEST = 48, 16, 6, 5


def ctc(y_true, y_pred):
    length = tf.reduce_sum(tf.cast(y_true > 0, tf.int32), -1)
    logits = tf.cast(y_pred, tf.float32)
    steps = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    loss = tf.nn.ctc_loss(tf.cast(y_true, tf.int32), logits, length, steps, logits_time_major=False, blank_index=0)
    return tf.cast(tf.reduce_mean(loss), y_pred.dtype)


def build_model():
    x = image = keras.Input((WIDTH, HEIGHT, 1), name="image")
    for number, filters in enumerate((8, 16), start=1):
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_uniform", name=f"conv{number}")(x)
        x = layers.PReLU(shared_axes=[1, 2], name=f"prelu{number}")(x)
        x = layers.BatchNormalization(name=f"bn{number}")(x)
        x = layers.MaxPooling2D((1, 2) if number > 1 else 2, name=f"pool{number}")(x)
        x = layers.Dropout(0.2, name=f"dropout{number}")(x)
    x = layers.Reshape((WIDTH // 2, HEIGHT // 4 * 16), name="columns")(x)
    for number in (1, 2):
        x = layers.Bidirectional(layers.LSTM(24, return_sequences=True, dropout=0.5), name=f"blstm{number}")(x)
    x = layers.Dense(LETTERS + 1, name="letters")(x)
    model = keras.Model(image, x)
    model.compile(keras.optimizers.RMSprop(1e-3), ctc)
    return model


def load_data():
    """Words of up to five letters; a letter is a stroke at its own height."""
    rng = np.random.RandomState(19993)
    x = rng.normal(0, 0.1, (256, WIDTH, HEIGHT, 1)).astype("float32")
    y = np.zeros((256, LONGEST), "int32")
    for image, word in zip(x, y, strict=True):
        for place in range(rng.randint(2, LONGEST + 1)):
            word[place] = rng.randint(1, LETTERS + 1)
            image[9 * place + 2 : 9 * place + 7, 2 * word[place] : 2 * word[place] + 3] += 1
    return {"x": x, "y": y, "batch_size": 32}
