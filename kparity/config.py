"""Where things are: the data that ships with kparity (rule book, fixtures), from a wheel or from a checkout."""

from pathlib import Path


def shipped(name: str) -> Path:
    """The folder `name` ("rules" or "fixtures") that came with this installation.

    A wheel carries it inside the package; an editable install reads the checkout's own.
    """
    package = Path(__file__).resolve().parent
    inside = package / "_data" / name
    return inside if inside.is_dir() else package.parent / name
