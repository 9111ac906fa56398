"""A log over HTTP from a server that is slow, breaks off, goes on for ever, or is something else altogether."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from consent.verify import remote
from consent.verify.remote import url_fetch
from consent.verify.report import CouldNotLook

Say = Callable[[socket.socket], None]
FULL_TILE = 256 * 32


def says(text: str, body: bytes = b"", rest: Say = lambda peer: None) -> Say:
    """Answers with this head and body, and then does ``rest``."""

    def say(peer: socket.socket) -> None:
        peer.sendall(text.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        rest(peer)

    return say


def sized(body: bytes, status: str = "200 OK") -> Say:
    return says(f"HTTP/1.1 {status}\nContent-Length: {len(body)}", body)


def noted(peers: list[object], say: Say) -> Say:
    """Keeps which connection asked."""

    def and_noted(peer: socket.socket) -> None:
        peers.append(peer)
        say(peer)

    return and_noted


def dripping(peer: socket.socket) -> None:
    """One byte now and then, for as long as anyone listens; each comes well within the time for one byte."""
    while True:
        peer.sendall(b"x")
        time.sleep(0.02)


@contextmanager
def server(*script: Say) -> Iterator[str]:
    """Answers the requests one after the other, each as the next of ``script`` says; gives its address."""
    left, ended = list(script), threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                peer, _ = listening.accept()
                with closing(peer), suppress(OSError):
                    while left and _head(peer):
                        left.pop(0)(peer)

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(0.1)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/log"
        finally:
            ended.set()
            thread.join()


def _head(peer: socket.socket) -> bool:
    """A request, as far as its empty line; false where the other side is gone."""
    peer.settimeout(30)
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        more = peer.recv(4096)
        if not more:
            return False
        read += more
    return True


def refused(path: str, *script: Say) -> str:
    """What is said of a server that nothing can be learned from."""
    with server(*script) as url, url_fetch(url, None) as fetch, pytest.raises(CouldNotLook) as error:
        fetch(path)
    return str(error.value)


def test_what_is_there_is_read_over_one_connection_and_what_is_not_is_none() -> None:
    peers: list[object] = []
    answers = [sized(b"note"), sized(b"nee", "404 Not Found"), sized(b"t" * FULL_TILE)]
    with server(*(noted(peers, answer) for answer in answers)) as url, url_fetch(url, None) as fetch:
        assert fetch("checkpoint") == b"note"
        assert fetch("tile/0/001") is None
        assert fetch("tile/0/000") == b"t" * FULL_TILE
    assert len(peers) == 3 and len({id(peer) for peer in peers}) == 1


@pytest.mark.parametrize("held", [b"", b"\n", b"twee woorden", b'{"access_token": "x"}', b"a\nb", b"\xff"])
def test_a_file_that_can_be_read_and_holds_no_token_is_said_to_hold_none(tmp_path: Path, held: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"aZ0-._~+/==\n")
    with server(sized(b"note")) as url, url_fetch(url, file) as fetch:
        assert fetch("checkpoint") == b"note"  # the control
    file.write_bytes(held)
    with pytest.raises(CouldNotLook, match="in token staat geen token"), url_fetch("https://hub.example/log", file):
        pass
    file.unlink()
    with pytest.raises(CouldNotLook, match="token is niet te lezen"), url_fetch("https://hub.example/log", file):
        pass


@pytest.mark.parametrize(
    ("path", "most"),
    [("checkpoint", 65_536), ("tile/0/000", FULL_TILE), ("tile/entries/000", 256 * (2 + 65_535))],
)
def test_of_a_larger_answer_than_the_format_allows_one_byte_is_read(path: str, most: int) -> None:
    """By that byte it is found to be no part of a log; no more of it is held."""
    with server(sized(b"x" * most), sized(b"x" * (most + 9))) as url, url_fetch(url, None) as fetch:
        assert fetch(path) == b"x" * most
        assert fetch(path) == b"x" * (most + 1)


def endless(peer: socket.socket) -> None:
    while True:
        peer.sendall(b"x" * 65_536)


def test_an_endless_answer_is_broken_off_and_the_next_one_is_asked_anew() -> None:
    unending = says("HTTP/1.1 200 OK\nConnection: close", b"", endless)
    with server(unending, sized(b"note")) as url, url_fetch(url, None) as fetch:
        assert fetch("checkpoint") == b"x" * 65_537
        assert fetch("checkpoint") == b"note"


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew() -> None:
    closing_after = says("HTTP/1.1 200 OK\nContent-Length: 1", b"n", lambda peer: peer.shutdown(socket.SHUT_RDWR))
    with server(closing_after, sized(b"o")) as url, url_fetch(url, None) as fetch:
        assert fetch("checkpoint") == b"n"
        assert fetch("checkpoint") == b"o"


def test_an_answer_that_was_cut_off_is_not_taken_for_a_changed_tile() -> None:
    cut = says("HTTP/1.1 200 OK\nContent-Length: 8192", b"t" * 100, lambda peer: peer.shutdown(socket.SHUT_RDWR))
    assert refused("tile/0/000", cut) == "tile/0/000: de hub is niet te bereiken (IncompleteRead)"


def end(peer: socket.socket) -> None:
    peer.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("sent", [100, FULL_TILE])
@pytest.mark.parametrize("told", ["Connection: close", "Content-Length: -5", "Content-Length: veel"])
def test_an_answer_that_does_not_say_how_long_it_is_proves_nothing(told: str, sent: int) -> None:
    """It ends where the connection ends, cut off or not: nobody can tell whether it is whole."""
    said = refused("tile/0/000", says(f"HTTP/1.1 200 OK\n{told}", b"t" * sent, end))
    assert said == "tile/0/000: het antwoord noemt geen lengte; zo is niet te zien of het heel is"


def test_what_is_not_there_needs_no_length() -> None:
    """Its status says all of it, and nothing of its body is used."""
    with server(says("HTTP/1.1 404 Not Found\nConnection: close", b"nee", end)) as url, url_fetch(url, None) as fetch:
        assert fetch("tile/0/001") is None


def test_an_answer_in_chunks_is_whole_at_its_last_chunk_and_not_before() -> None:
    whole = says("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", b"2000\r\n" + b"t" * FULL_TILE + b"\r\n0\r\n\r\n")
    with server(whole, sized(b"note")) as url, url_fetch(url, None) as fetch:
        assert fetch("tile/0/000") == b"t" * FULL_TILE
        assert fetch("checkpoint") == b"note"
    for sent in (b"64\r\n" + b"t" * 100 + b"\r\n", b"64\r\nttt", b"zz\r\n"):
        cut = says("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", sent, end)
        assert "niet te bereiken" in refused("tile/0/000", cut)


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(says("HTTP/1.1 200 OK\nContent-Length: 8192", b"", dripping), id="body"),
        pytest.param(says("HTTP/1.1 200 OK\nConnection: close", b"", dripping), id="body of no known length"),
        pytest.param(dripping, id="head"),
    ],
)
def test_an_answer_that_comes_drop_by_drop_is_broken_off(monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.setattr(remote, "_WHOLE", 0.5)
    assert refused("tile/0/000", say) == "tile/0/000: de hub is niet te bereiken (TimeoutError)"


def test_a_silent_server_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_TIMEOUT", 0.2)
    assert "niet te bereiken (TimeoutError)" in refused("checkpoint", lambda peer: time.sleep(1))


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"])
def test_the_token_goes_to_no_other_address(status: str) -> None:
    asked: list[bool] = []
    with server(lambda peer: asked.append(True)) as other:
        moved = says(f"HTTP/1.1 {status}\nLocation: {other}/checkpoint\nContent-Length: 0")
        assert refused("checkpoint", moved).endswith(f"status {status[:3]}")
    assert asked == []


def test_what_is_no_http_is_no_log() -> None:
    assert "niet te bereiken (BadStatusLine)" in refused("checkpoint", lambda peer: peer.sendall(b"SSH-2.0-x\r\n"))
