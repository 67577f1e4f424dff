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
