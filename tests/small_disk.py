"""A small disk of its own for a test: a tmpfs that can be filled to the last byte, and emptied again.

It is mounted in a mount namespace that one sleeping process holds; everybody else reaches it through that process's
``/proc/<pid>/root``. So it takes no privilege but that of making namespaces (root has it, and others where the kernel
lets them), it is seen nowhere else, and it is gone with its holder, however the test run ends.
"""

import errno
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.servers import ServerFailed, Watchdog, wait_until

_CHUNK = 1 << 16  # bytes


class SmallDisk:
    """``mib`` MiB, owned by ``account`` where this runs as root. Raises ``ServerFailed`` if the kernel allows none."""

    def __init__(self, watchdog: Watchdog, mib: int, account: str | None = None) -> None:
        mounted_at = Path(tempfile.mkdtemp(prefix="disk-"))
        watchdog.tell("folder", mounted_at)
        options, hold = f"size={mib}m,mode=0700", "sleep infinity"
        how = ["unshare", "--mount"]
        if os.geteuid() != 0:
            how += ["--user", "--map-current-user", "--keep-caps"]
        elif account is not None:
            entry = pwd.getpwnam(account)
            options += f",uid={entry.pw_uid},gid={entry.pw_gid}"
            hold = f"setpriv --reuid={entry.pw_uid} --regid={entry.pw_gid} --clear-groups {hold}"
            mounted_at.chmod(0o755)
        for program in ("unshare", "setpriv"):
            if shutil.which(program) is None:
                raise ServerFailed(f"{program} is missing. Install it with: sudo apt-get install --yes util-linux")
        script = f"mount -t tmpfs -o {options} tmpfs {mounted_at} && exec {hold}"
        self._holder = subprocess.Popen(
            [*how, "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        watchdog.tell("pid", self._holder.pid)
        self.path = Path(f"/proc/{self._holder.pid}/root{mounted_at}")
        self._ballast = self.path / "ballast"
        self._size = mib << 20
        wait_until(self._mounted, 20, "a small disk cannot be mounted")

    def fill(self, leave: int = 0) -> None:
        """Take all room but ``leave`` bytes."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(_CHUNK))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.seek(0, os.SEEK_END) - leave))

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """The disk and all that is on it are gone."""
        self._holder.kill()
        self._holder.communicate(timeout=10)

    def _mounted(self) -> bool:
        if self._holder.poll() is not None:
            raise ServerFailed(f"a small disk cannot be mounted: {self._holder.communicate()[1].strip()}")
        try:
            found = os.statvfs(self.path)
        except OSError:
            return False
        return found.f_blocks * found.f_frsize == self._size
