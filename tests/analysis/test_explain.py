"""What two configurations have to do with a difference."""

from typing import Any

import pytest

from kparity.analysis.explain import changes

IDLE = {"use_ema": False, "ema_overwrite_frequency": 100}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"rho": 0.9}, {"rho": 0.95}, {"rho": (0.9, 0.95)}),
        ({"rho": 0.9}, {"rho": 0.9}, {}),
        ({"name": "a"}, {"name": "b"}, {}),
        (IDLE, IDLE | {"ema_overwrite_frequency": None}, {}),
        (IDLE, {"use_ema": True, "ema_overwrite_frequency": 100}, {"use_ema": (False, True)}),
        (
            IDLE | {"use_ema": True},
            {"use_ema": True, "ema_overwrite_frequency": None},
            {"ema_overwrite_frequency": (100, None)},
        ),
    ],
)
def test_a_setting_that_nothing_reads_is_no_change(
    ours: dict[str, Any], theirs: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert changes(ours, theirs) == expected
