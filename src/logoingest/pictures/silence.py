"""What decoders say of strangers' files is kept off stderr: what it means for a picture stands in its row.

Pillow warns through ``warnings``; libtiff, of which it has a copy of its own, writes to file descriptor 2 from C, past Python. To turn
that descriptor away while a picture is decoded would take other threads' messages along; libtiff has a switch for it.
"""

from __future__ import annotations

import ctypes
import functools
import warnings

#: See ``TIFFError(3tiff)`` and ``TIFFWarning(3tiff)``: with no handler nothing is said. How a call ended, Pillow is told all the same.
_TIFF_SWITCHES = ("TIFFSetErrorHandler", "TIFFSetWarningHandler")


@functools.cache
def silence_decoders() -> None:
    """Once a process: Pillow's warnings go where no other filter of ``warnings`` wants them, libtiff's nowhere.

    Filters that are there stay before it: who asks for warnings (``python -W``, ``simplefilter``) gets Pillow's.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.", append=True)
    try:
        from PIL import _imaging

        library = ctypes.CDLL(_imaging.__file__)  # symbols are found in what it is linked with, too
        for name in _TIFF_SWITCHES:
            switch = getattr(library, name)
            switch.argtypes, switch.restype = [ctypes.c_void_p], ctypes.c_void_p
            switch(None)
    except (ImportError, OSError, AttributeError):
        return  # another build, without libtiff or with it inside: then it may speak
