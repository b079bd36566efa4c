"""Files from the network: resumed where they broke off, checked, and never there by halves."""

from __future__ import annotations

import http.client
import os
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from calligrad.progress import progress

CHUNK = 1 << 20
PATIENCE = 30  # seconds without a byte


def download(urls: Sequence[str], path: Path, size: int, check: Callable[[Path], object]) -> None:
    """Bring the file of ``size`` bytes, which each of ``urls`` has, to ``path``.

    What has come is in ``path`` with ``.part`` at the end until it is whole and ``check(part)`` raises no
    ``ValueError``; a later call goes on from there. Raises ``ConnectionError`` with what happened at each address.
    """
    part = path.with_name(path.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in urls:
        try:
            _fetch(url, part, size)
            check(part)
        except ValueError as error:  # nothing to go on from
            part.unlink(missing_ok=True)
            failures.append(f"{url}: {error}")
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{url}: {getattr(error, 'reason', None) or error or type(error).__name__}")
        else:
            os.replace(part, path)
            return
    raise ConnectionError(f"{path.name} could not be downloaded: {'; '.join(failures)}")


def _fetch(url: str, part: Path, size: int) -> None:
    """Append to ``part`` what it lacks."""
    have = part.stat().st_size if part.exists() else 0
    if have == size:
        return
    have = 0 if have > size else have
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
        resumed = reply.status == 206 and (reply.headers.get("Content-Range") or "").startswith(f"bytes {have}-")
        have = have if resumed else 0  # some servers begin anew
        total = -(-size // CHUNK)
        with open(part, "ab" if resumed else "wb") as file, progress(part.stem, total, done=have // CHUNK) as shown:
            while have < size:
                chunk = reply.read(min(CHUNK, size - have))
                if not chunk:
                    raise ConnectionError(f"the connection ended after {have} of {size} bytes")
                file.write(chunk)
                have += len(chunk)
                shown.step(f"{have / 1e6:.1f} of {size / 1e6:.1f} MB")
            if reply.read(1):
                raise ValueError(f"there are more than the {size} bytes of the official file")
