"""The command line: commands and options, nothing else. Every command imports its room when it is called.

Exit codes everywhere: 0 equivalent or nothing to do, 1 different or changes needed, 2 wrong usage or an error,
3 inconclusive.
"""

import typer

app = typer.Typer(
    name="kparity",
    help="From Keras 2 to Keras 3, with proof that nothing was lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


if __name__ == "__main__":
    app()
