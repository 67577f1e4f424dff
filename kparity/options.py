"""What to compare: the options of the command line, as compare takes them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`against`: a file that the Keras 3 side runs instead; `twin`: both sides legacy."""

    subject: Path
    folder: Path
    steps: int = 500
    seeds: tuple[int, ...] = (0,)
    model: str = "build_model"
    data: str = "load_data"
    batch_size: int | None = None
    migrate: bool = True
    against: Path | None = None
    twin: bool = False
    timeout: float = 600.0
    module: str | None = None
    """`subject` is run as `python -m` runs this module, from the current folder."""
    arguments: tuple[str, ...] = ()
    legacy_rev: str | None = None
    """The legacy side runs the files of this git revision, the other one those of now as they are."""
    go_on: bool = False
    """A program is run to its end after the comparison, from the trained weights."""
    keras2: str | None = None
    """The version of tf-keras that the legacy side runs on, in an environment of its own."""
    keras3: str | None = None
    """The same of keras, for the other side."""
    also: tuple[str, ...] = ()
    """What else is installed in such environments, as pip would be told."""
    resume: bool = False
    """Take what an earlier run of the same comparison noted, where nothing changed."""
    natural: bool = False
    """Each side trains with draws of its own, and only what comes out is compared."""
    margin: float | None = None
    """How far apart the mean results of `natural` may be."""
