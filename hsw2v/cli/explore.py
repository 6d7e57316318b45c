"""`hsw2v explore`: the questions of the command line in a page of the local machine."""

from __future__ import annotations

import os
import sys

import click

from hsw2v.cli.garbage import search_as_usual
from hsw2v.cli.opening import check_model, load
from hsw2v.cli.options import model_argument, normalize_option, number_option
from hsw2v.cli.output import warn
from hsw2v.errors import without_credentials


@click.command()
@model_argument
@number_option(
    "--port", least=0, most=65535, default=0, help="Port to listen on; 0 chooses a free one."
)
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@normalize_option
def explore(model: str, port: int, no_browser: bool, normalize_exactly: bool) -> None:
    """Ask MODEL in the browser: neighbours, analogies, paths through its tree, predictions.

    Prints the address of the page, and opens it where there is a display. The page is for this
    machine alone: it needs no network, and only whoever has the whole address can ask. Ctrl-C
    ends it.

    \b
    Examples:
      hsw2v explore corpus.safetensors
      hsw2v explore corpus.safetensors --port 8000 --no-browser
    """
    check_model(model)
    from hsw2v.explore.questions import Questions
    from hsw2v.explore.server import ExploreServer

    questions = Questions(load(model), normalize_exactly=normalize_exactly)
    with ExploreServer(questions.answer, port) as server:
        print(server.address, flush=True)
        warn(f"{without_credentials(model)} is at this address until Ctrl-C")
        if not no_browser and _has_display():
            _open_browser(server.address)
        search_as_usual()
        server.serve_forever()


def _has_display() -> bool:
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) or sys.platform in ("darwin", "win32")


def _open_browser(address: str) -> None:
    """Open a browser beside the server, which would have to wait for some of them."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
