"""`augur serve`: a database for DuckDB shells."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from augursql.frontends.quack.server import PORT, Server
from augursql.frontends.quack.users import read_users

EPILOG = """
It prints one line, which opens the DuckDB shell on the database. There, send queries to the server:
  FROM query($$ SELECT hotel, predict('rating', review USING INDEX hotels) FROM reviews $$);
Ctrl-C stops it: what runs may finish for five seconds, the rest is cancelled.
"""


def main(given: Sequence[str]) -> int:
    """Serves until a signal ends it; returns the exit status. Raises what `Server` raises."""
    options = _parser().parse_args(given)
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: _end(ending))
    server = Server(
        options.database,
        port=options.quack,
        host=options.host,
        token=options.token or os.environ.get("AUGUR_TOKEN"),
        users=read_users(Path(options.users)) if options.users else None,
        read_only=options.readonly,
        external_access=not options.no_external_access,
    )
    print(server.line, flush=True)
    ending.wait()
    print("Stopping: what runs may finish for five seconds.", file=sys.stderr)
    server.stop()
    return 0


def _end(ending: threading.Event) -> None:
    """The first signal asks, a second one does not wait."""
    if ending.is_set():
        os._exit(130)
    ending.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "augur serve",
        description="Serves a database to DuckDB shells, which then speak AugurSQL.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("database", help="a DuckDB file, created if missing, or :memory:")
    add("--quack", type=int, default=PORT, metavar="PORT", help=f"the port; {PORT}, 0: a free one")
    add(
        "--host",
        default="localhost",
        help="the address to listen on; others than localhost "
        "need --users and, for TLS, a proxy in front",
    )
    add("--token", help="what clients connect with, or AUGUR_TOKEN; made anew for each run")
    add("--users", metavar="FILE", help="users and their tokens (TOML)")
    add("--readonly", action="store_true", help="open the file read-only")
    add(
        "--no-external-access",
        action="store_true",
        help="clients read and write no files and attach no databases",
    )
    return parser
