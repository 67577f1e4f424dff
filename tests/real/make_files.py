"""Small made-up data of the shapes that well-known data sets have: arrays, text, tables, pictures.

Used by small_data in place of what a script would download. Everything is drawn from one seed: both sides get the same.
"""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np

WORDS = [
    "the",
    "of",
    "and",
    "a",
    "to",
    "in",
    "is",
    "it",
    "that",
    "was",
    "for",
    "on",
    "are",
    "with",
    "as",
    "his",
    "they",
    "at",
    "be",
    "this",
    "from",
    "have",
    "or",
    "by",
    "one",
    "had",
    "not",
    "but",
    "what",
    "all",
    "were",
    "when",
    "we",
    "there",
    "can",
    "an",
    "your",
    "which",
    "their",
    "said",
    "if",
    "do",
    "will",
    "each",
    "about",
    "how",
    "up",
    "out",
    "them",
    "then",
    "she",
    "many",
    "some",
    "so",
]


def _draw():
    return np.random.RandomState(7)


def _images(train, test, shape, classes, column=False):
    def load_data(*args, **kwargs):
        random = _draw()
        sides = []
        for rows in (train, test):
            x = random.bytes(rows * int(np.prod(shape)))
            y = random.randint(0, classes, (rows, 1) if column else (rows,))
            y.flat[:classes] = np.arange(classes)
            y = y.astype("int64" if column else "uint8")
            sides.append((np.frombuffer(x, "uint8").reshape(rows, *shape).copy(), y))
        return tuple(sides)

    return load_data


def _words(train, test, classes, top):
    def load_data(path=None, num_words=None, skip_top=0, maxlen=None, test_split=0.2, seed=113, start_char=1, **kwargs):
        random = _draw()
        words = min(num_words or top, top)
        sides = []
        for rows in (train, test):
            sizes = random.randint(20, 120, rows)
            x = np.empty(rows, object)
            x[:] = [[1, *random.randint(3, words, size).tolist()] for size in sizes]
            y = random.randint(0, classes, rows)
            y[:classes] = np.arange(classes)
            sides.append((x, y.astype("int64")))
        return tuple(sides)

    return load_data


def _table(train, test, columns):
    def load_data(*args, **kwargs):
        random = _draw()
        return tuple((random.randn(rows, columns), random.uniform(5, 50, rows)) for rows in (train, test))

    return load_data


DATASETS = {
    "mnist": _images(60000, 10000, (28, 28), 10),
    "fashion_mnist": _images(60000, 10000, (28, 28), 10),
    "cifar10": _images(12000, 2000, (32, 32, 3), 10, column=True),
    "cifar100": _images(12000, 2000, (32, 32, 3), 100, column=True),
    "imdb": _words(12000, 3000, 2, 88000),
    "reuters": _words(3000, 600, 46, 30000),
    "boston_housing": _table(404, 102, 13),
    "california_housing": _table(404, 102, 8),
}


def word_index(*args, **kwargs):
    """As `imdb.get_word_index()` and `reuters.get_word_index()`: word -> rank."""
    return {f"{WORDS[n % len(WORDS)]}{n}": n for n in range(1, 88585)}


def sentences(count, low=4, high=12, seed=7):
    random = np.random.RandomState(seed)
    return [" ".join(random.choice(WORDS, random.randint(low, high))).capitalize() + "." for _ in range(count)]


def text(path):
    Path(path).write_text("\n".join(sentences(1500)) + "\n", "utf-8")


def picture(path):
    from PIL import Image

    Image.fromarray(_draw().randint(0, 255, (180, 240, 3)).astype("uint8")).save(path)


def pairs(path, end="\tCC-BY\n"):
    """Sentence pairs, tab between them: fra.txt, spa.txt."""
    left, right = sentences(1200, 2, 6), sentences(1200, 2, 6, seed=8)
    Path(path).write_text("".join(f"{a}\t{b}{end}" for a, b in zip(left, right, strict=True)), "utf-8")


def two_columns(path):
    """The same as it was until 2019, and still is for Spanish."""
    pairs(path, "\n")


def zipped(members):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name, maker in members.items():
                maker(path + ".part")
                archive.write(path + ".part", name)
                Path(path + ".part").unlink()

    return write


def tarred(members):
    def write(path):
        with tarfile.open(path, "w:gz") as archive:
            for name, maker in members.items():
                maker(path + ".part")
                archive.add(path + ".part", name)
                Path(path + ".part").unlink()

    return write


def lines(make):
    def write(path):
        Path(path).write_text(make(), "utf-8")

    return write


def babi():
    story = []
    for n in range(200):
        who, where = ("Mary", "John", "Sandra")[n % 3], ("office", "kitchen", "garden")[n % 5 % 3]
        story += [f"1 {who} moved to the {where}.", "2 John went to the hallway.", f"3 Where is {who}? \t{where}\t1"]
    return "\n".join(story) + "\n"


def csv(rows=400, header=True, **columns):
    """A table: a column is `float`, `int`, a list of choices, or (low, high)."""

    def make():
        random = _draw()
        made = []
        for kind in columns.values():
            if kind is float:
                made.append([f"{v:.4f}" for v in random.randn(rows)])
            elif kind is int:
                made.append([str(v) for v in random.randint(0, 2, rows)])
            elif isinstance(kind, tuple):
                made.append([str(v) for v in random.randint(*kind, rows)])
            else:
                made.append([str(v) for v in random.choice(kind, rows)])
        head = [",".join(c.replace("__", " ") for c in columns)] if header else []
        return "\n".join([*head, *(",".join(row) for row in zip(*made, strict=True))]) + "\n"

    return lines(make)


def jena():
    names = [
        "p (mbar)", "T (degC)", "Tpot (K)", "Tdew (degC)", "rh (%)", "VPmax (mbar)", "VPact (mbar)", "VPdef (mbar)",
        "sh (g/kg)", "H2OC (mmol/mol)", "rho (g/m**3)", "wv (m/s)", "max. wv (m/s)", "wd (deg)",
    ]  # fmt: skip
    random = _draw()
    made = ['"Date Time",' + ",".join(f'"{n}"' for n in names)]
    for n in range(9000):
        day, hour = n // 144, n % 144
        stamp = f"{day % 28 + 1:02d}.{day // 28 + 1:02d}.2009 {hour // 6:02d}:{hour % 6}0:00"
        made.append(stamp + "," + ",".join(f"{v:.2f}" for v in random.uniform(1, 20, len(names))))
    return "\n".join(made)


def image_net_classes():
    import json

    return json.dumps({str(n): [f"n{n:08d}", f"thing_{n}"] for n in range(1000)})


def archive_array(path):
    (x, y), (a, b) = DATASETS["mnist"]()
    with Path(path).open("wb") as file:
        np.savez(file, x_train=x, y_train=y, x_test=a, y_test=b)


FILES = {
    "babi-tasks-v1-2.tar.gz": tarred(
        {
            f"tasks_1-20_v1-2/en{size}/qa{task}_{part}.txt": lines(babi)
            for size in ("", "-10k")
            for task in ("1_single-supporting-fact", "2_two-supporting-facts")
            for part in ("train", "test")
        }
    ),
    "babi_tasks_1-20_v1-2.tar.gz": None,
    "nietzsche.txt": text,
    "shakespeare.txt": text,
    "fra.txt": pairs,
    "fra-2019.txt": two_columns,
    "fra-eng.zip": zipped({"fra.txt": pairs}),
    "spa-eng.zip": zipped({"spa-eng/spa.txt": two_columns}),
    "spa.txt": two_columns,
    "imagenet_class_index.json": lines(image_net_classes),
    "mnist.npz": archive_array,
    "jena_climate_2009_2016.csv": lines(jena),
    "jena_climate_2009_2016.csv.zip": zipped({"jena_climate_2009_2016.csv": lines(jena)}),
}


def get_file(fname=None, origin=None, untar=False, md5_hash=None, cache_subdir="datasets", extract=False, **kwargs):
    """The made-up file; archives are unpacked next to it where Keras would."""
    name = str(origin or fname).split("?")[0].rsplit("/", 1)[-1]
    asked = str(fname or name).rsplit("/", 1)[-1]
    maker = FILES.get(name) or FILES.get(asked)
    if maker is None and name.lower().endswith((".jpg", ".jpeg", ".png")):
        maker = picture
    if maker is None:
        raise FileNotFoundError(f"no small data for {name}")
    folder = Path(os.environ.get("SMALL_DATA", ".")) / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    maker(str(path))
    if extract or untar:
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
        elif ".tar" in name or name.endswith(".tgz"):
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
    if untar:
        return str(folder / asked)
    if asked != name:
        (folder / asked).write_bytes(path.read_bytes())
        return str(folder / asked)
    return str(path)


FILES["babi_tasks_1-20_v1-2.tar.gz"] = FILES["babi-tasks-v1-2.tar.gz"]

PICTURES = {
    "mnist": ((28, 28, 1), 10), "fashion_mnist": ((28, 28, 1), 10), "cifar10": ((32, 32, 3), 10),
    "cifar100": ((32, 32, 3), 100), "cats_vs_dogs": ((96, 80, 3), 2), "tf_flowers": ((96, 80, 3), 5),
    "stl10": ((96, 96, 3), 10), "oxford_flowers102": ((96, 80, 3), 102), "omniglot": ((105, 105, 3), 1600),
    "horse2zebra": ((96, 96, 3), 2), "stanford_dogs": ((96, 80, 3), 120), "caltech_birds2011": ((96, 80, 3), 200),
}  # fmt: skip


def tfds_load(name, split=None, as_supervised=False, with_info=False, batch_size=None, **kwargs):
    """`tfds.load` for pictures and reviews: 256 examples a split."""
    from unittest.mock import MagicMock

    import tensorflow as tf

    base = name.split("/")[0].split(":")[0]
    random = _draw()
    info = MagicMock()
    if base in PICTURES:
        shape, classes = PICTURES[base]
        x, y = random.randint(0, 255, (256, *shape)).astype("uint8"), random.randint(0, classes, 256)
        key = "image"
    elif base in ("imdb_reviews", "ag_news_subset", "yelp_polarity_reviews"):
        x, y, key, classes = np.array(sentences(256, 20, 60)), random.randint(0, 2, 256), "text", 2
    else:
        raise FileNotFoundError(f"no small data for {name}")
    info.features["label"].num_classes = classes
    info.features.__getitem__.return_value.num_classes = classes

    def one():
        parts = (x, y.astype("int64")) if as_supervised else {key: x, "label": y.astype("int64")}
        made = tf.data.Dataset.from_tensor_slices(parts)
        return made.batch(batch_size) if batch_size and batch_size > 0 else made

    info.splits.__getitem__.return_value.num_examples = 256
    if split is None:
        made = {"train": one(), "test": one()}
    elif isinstance(split, (list, tuple)):
        made = type(split)(one() for _ in split)
    else:
        made = one()
    return (made, info) if with_info else made


def placed(wanted, folder):
    """Files that a script expects to find: `fra.txt:fra-eng/fra.txt` makes fra.txt at that path in the folder."""
    for one in wanted:
        name, _, where = one.partition(":")
        path = Path(folder) / (where or name)
        path.parent.mkdir(parents=True, exist_ok=True)
        maker = FILES.get(name) or (picture if name.endswith((".jpg", ".png")) else None)
        if maker is None:
            raise FileNotFoundError(f"no small data for {name}")
        maker(str(path))


__all__ = ["DATASETS", "FILES", "get_file", "io", "placed", "tfds_load", "word_index"]
