"""kparity: from Keras 2 to Keras 3, with proof that nothing was lost. Imports no framework."""

__version__ = "0.1.0"
