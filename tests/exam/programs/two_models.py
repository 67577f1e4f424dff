"""A generator and a discriminator trained by `train_on_batch`, one after the other, the second one frozen within the
first's training after it was compiled: what Keras 2 trains all the same, and Keras 3 does not."""

import sys

import numpy as np
from keras.layers import BatchNormalization, Dense, Input, LeakyReLU
from keras.models import Model, Sequential
from keras.optimizers import Adam

FROZEN = "frozen" in sys.argv


class Game:
    def __init__(self):
        self.judge = Sequential([Dense(12, input_dim=8), LeakyReLU(alpha=0.2), Dense(1, activation="sigmoid")])
        self.maker = Sequential([Dense(12, input_dim=6), LeakyReLU(alpha=0.2), BatchNormalization(), Dense(8)])
        self.judge.compile(loss="binary_crossentropy", optimizer=Adam(0.002, 0.5), metrics=["accuracy"])
        noise = Input(shape=(6,))
        self.judge.trainable = False
        self.both = Model(noise, self.judge(self.maker(noise)))
        self.both.compile(loss="binary_crossentropy", optimizer=Adam(0.002, 0.5))
        if not FROZEN:
            self.judge.trainable = True

    def train(self, rounds, size=16):
        real, yes, no = np.random.rand(64, 8) * 2 - 1, np.ones((size, 1)), np.zeros((size, 1))
        for number in range(rounds):
            noise = np.random.normal(0, 1, (size, 6))
            made = self.maker.predict(noise, verbose=0)
            of_real = self.judge.train_on_batch(real[np.random.randint(0, 64, size)], yes)
            of_made = self.judge.train_on_batch(made, no)
            if not FROZEN:
                self.judge.trainable = False
            of_both = self.both.train_on_batch(noise, yes)
            if not FROZEN:
                self.judge.trainable = True
            print(number, of_real[0], of_made[0], of_both)


Game().train(20)
