"""Whether a file is certainly not there, which is more than that it can't be found."""

import os
from pathlib import Path


def is_absent(file: Path) -> bool:
    """Whether there is certainly no such file.

    A file that can't be reached, as in a folder that may not be searched, may be there; and a link that leads nowhere,
    in its place or in a folder's, stands for something.
    """
    for place in (file, *file.parents):
        try:
            os.lstat(place)
        except FileNotFoundError:
            continue
        except OSError:
            return False
        return place != file and os.path.isdir(place)  # noqa: PTH112 - pathlib's may raise
    return True
