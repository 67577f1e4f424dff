"""Which way a metric is better, by its name. In: a metric's name. Out: True, False or None. Standard library only.

The names are those of Keras 2's and Keras 3's own metrics, and what users call theirs after them.
"""

MONITORED = ("accuracy", "acc", "auc", "precision", "recall", "f1", "iou", "bleu", "top_k", "score", "r2", "cosine")
"""Parts of the names of metrics where higher is better, best known first."""

LOSS_LIKE = ("loss", "error", "mae", "mse", "perplexity", "divergence", "entropy", "poisson", "hinge", "logcosh")
"""Parts of the names of metrics where lower is better; these win over MONITORED."""


def higher_is_better(metric: str) -> bool | None:
    """Whether more of `metric` is better; None where the name doesn't say."""
    name = metric.lower()
    if any(part in name for part in LOSS_LIKE):
        return False
    return True if any(part in name for part in MONITORED) else None
