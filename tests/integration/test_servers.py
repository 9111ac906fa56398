"""The private servers of the tests themselves: they work, they come back, they leave nothing behind."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from kombu import Connection, Queue

from tests.servers import PostgresServer, RabbitServer, ServerFailed, wait_until

ROOT = Path(__file__).parents[2]


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_postgresql_serves_a_fresh_database_with_fsync_on(postgres_server: PostgresServer, postgres_url: str) -> None:
    assert query(postgres_url, "SHOW fsync") == [("on",)]
    assert query(postgres_url, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'") == [(0,)]
    query(postgres_url, "CREATE TABLE t AS SELECT 7 AS n")
    copy = postgres_server.create(template=postgres_url.rpartition("/")[2])
    assert query(postgres_server.url_for(copy), "SELECT n FROM t") == [(7,)]
    assert "CREATE TABLE public.t" in postgres_server.dump(copy)
    postgres_server.drop(copy)


def test_postgresql_keeps_what_was_committed_through_a_kill(postgres_server: PostgresServer, postgres_url: str) -> None:
    query(postgres_url, "CREATE TABLE t AS SELECT 1 AS n")
    postgres_server.kill()
    assert not postgres_server.running
    with pytest.raises(psycopg.OperationalError):
        query(postgres_url, "SELECT 1")
    postgres_server.start()
    assert query(postgres_url, "SELECT n FROM t") == [(1,)]


def test_a_frozen_postgresql_hangs_until_it_is_thawed(postgres_server: PostgresServer, postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        postgres_server.freeze()
        try:
            connection.pgconn.send_query(b"SELECT 1")
            connection.pgconn.flush()
            time.sleep(0.3)
            connection.pgconn.consume_input()
            assert connection.pgconn.is_busy()
        finally:
            postgres_server.thaw()
        result = connection.pgconn.get_result()
        assert result is not None and result.get_value(0, 0) == b"1"
        assert connection.pgconn.get_result() is None


def test_rabbitmq_keeps_a_confirmed_message_in_a_quorum_queue_through_a_kill(rabbitmq_server: RabbitServer) -> None:
    queue = Queue("proef", durable=True, queue_arguments={"x-queue-type": "quorum"})
    with Connection(rabbitmq_server.url, transport_options={"confirm_publish": True}) as connection:
        channel = connection.channel()
        queue.bind(channel).declare()
        connection.Producer(channel).publish({"n": 1}, routing_key="proef", serializer="json", retry=False)
    time.sleep(1.5)  # RabbitMQ 3.10 writes the directory of its quorum queues only half a second after a declaration
    rabbitmq_server.kill()
    rabbitmq_server.start()
    with Connection(rabbitmq_server.url) as connection:
        message = queue.bind(connection.channel()).get()
        assert message is not None and message.payload == {"n": 1}
        message.ack()


def test_a_killed_test_run_leaves_no_server_and_no_folder_behind() -> None:
    script = (
        "import sys, time\n"
        "from tests.servers import PostgresServer, Watchdog\n"
        "server = PostgresServer(Watchdog()); server.start()\n"
        "sys.stdout.write(f'{server.port} {server.folder}\\n'); sys.stdout.flush(); time.sleep(60)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    port, folder = run.stdout.readline().split()
    assert listens(int(port)) and Path(folder).exists()
    run.send_signal(signal.SIGKILL)
    run.wait(timeout=10)
    run.stdout.close()
    wait_until(lambda: not listens(int(port)) and not Path(folder).exists(), 20, "the server is not gone")
    assert not listens(int(port))


def test_a_server_that_will_not_start_says_so(postgres_server: PostgresServer) -> None:
    class Broken(RabbitServer):
        def command(self) -> list[str]:
            return ["false"]

    broken = Broken(postgres_server._watchdog)
    with pytest.raises(ServerFailed, match="rabbitmq would not start"):
        broken.start()
    broken.stop()


def test_the_network_is_off() -> None:
    with socket.socket() as outside, pytest.raises(Exception, match="loopback only"):
        outside.connect(("192.0.2.1", 80))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
