"""Real servers for the connectors: PostgreSQL, and an object store that speaks S3."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_postgresql.dbapi
import duckdb
import pytest

from augursql.database.connectors.extensions import packaged

PASSWORD = "pa55-of-augur"


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server with the user `augur`."""

    port: int
    log: Path

    def asked(self, word: str) -> list[str]:
        """The statements with this word that the server was asked, in their order."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if word in line and "LOG: " in line]

    @property
    def address(self) -> str:
        return f"postgresql://augur:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    @property
    def string(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=augur password={PASSWORD} dbname=postgres"

    def run(self, *statements: str) -> None:
        """Runs statements in the server, past DuckDB."""
        with adbc_driver_postgresql.dbapi.connect(self.address) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server of its own, run by a user who is not root: it refuses to be root's."""
    if not all(shutil.which(program) for program in ("initdb", "pg_ctl", "postgres")):
        pytest.skip("there is no PostgreSQL here")
    # Not pytest's folder: that is no other user's, and goes when other runs of pytest come.
    folder = Path(tempfile.mkdtemp(prefix="augur-postgres-"))
    user = None
    if os.geteuid() == 0:
        user = "nobody"
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data, secret, port = folder / "data", folder / "password", free_port()
    secret.write_text(PASSWORD)
    secret.chmod(0o644)

    def run(*command: str) -> None:
        quiet = subprocess.DEVNULL
        subprocess.run(
            command, check=True, user=user, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet
        )

    run("initdb", "-D", str(data), "-U", "augur", "-A", "scram-sha-256", "--no-sync",
        f"--pwfile={secret}", "-E", "UTF8", "--locale=C.UTF-8")  # fmt: skip
    options = (
        f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c log_statement=all"
    )
    run("pg_ctl", "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield Server(port, folder / "log")
    finally:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def postgres(server: Server) -> Server:
    """The server, with an empty schema `public` and no schema `other`."""
    server.run("DROP SCHEMA IF EXISTS other CASCADE", "DROP SCHEMA public CASCADE",
               "CREATE SCHEMA public")  # fmt: skip
    return server


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Host and port of an object store with the bucket `hotels`."""
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    try:
        host, port = running.get_host_and_port()
        client = boto3.client(
            "s3",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="key-of-augur",
            aws_secret_access_key="secret-of-augur",
        )
        client.create_bucket(Bucket="hotels")
        client.close()
        yield f"{host}:{port}"
    finally:
        running.stop()


def needs(extension: str) -> None:
    """Skips the test where DuckDB's extension is not installed as a package."""
    if packaged(extension) is None:
        pytest.skip(f"no package of {extension} for DuckDB {duckdb.__version__} is installed")


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    return tmp_path / "hotels.sqlite"
