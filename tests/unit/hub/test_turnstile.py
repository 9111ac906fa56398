"""The turn between processes on one SQLite database is fair, and a dead process gives it up."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from hub.store.locks import Turnstile

ROOT = Path(__file__).parents[3]
#: Takes its turn again at once, as a busy hub does, and writes a letter for each turn.
BUSY = """
import pathlib, sys, time
from hub.store.locks import Turnstile
folder = pathlib.Path(sys.argv[1]); turnstile = Turnstile(folder); until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    with turnstile.turn(), (folder / "turns").open("a") as turns:
        turns.write("h"); turns.flush(); time.sleep(0.01)
"""
DYING = """
import os, pathlib, sys, time
from hub.store.locks import Turnstile
with Turnstile(pathlib.Path(sys.argv[1])).turn():
    sys.stdout.write("held\\n"); sys.stdout.flush(); time.sleep(60)
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        turnstile = Turnstile(tmp_path)
        for _ in range(20):
            with turnstile.turn():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()
        turnstile.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80 and max(most) == 1


def test_a_busy_process_does_not_keep_a_second_one_out(tmp_path: Path) -> None:
    (tmp_path / "turns").touch()
    busy = subprocess.Popen([sys.executable, "-c", BUSY, str(tmp_path), "20"], cwd=ROOT)
    try:
        while not (tmp_path / "turns").read_text():
            time.sleep(0.01)
        turnstile = Turnstile(tmp_path)
        for _ in range(10):  # a command now and then: at most the turn at hand and one more go before it
            before = len((tmp_path / "turns").read_text())
            with turnstile.turn():
                between = len((tmp_path / "turns").read_text()) - before
            assert between <= 2
            time.sleep(0.02)
        turnstile.close()
    finally:
        busy.kill()
        busy.wait()


def test_a_killed_process_gives_its_turn_up(tmp_path: Path) -> None:
    dying = subprocess.Popen([sys.executable, "-c", DYING, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert dying.stdout is not None and dying.stdout.readline() == b"held\n"
    turnstile = Turnstile(tmp_path)
    entered = threading.Event()

    def enter() -> None:
        with turnstile.turn():
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.2)  # the control: while its holder lives, nobody else enters
    dying.kill()
    dying.wait()
    dying.stdout.close()
    assert entered.wait(5)
    waiting.join()
    turnstile.close()
