"""The bridge as it is in service: ``python -m tests.bench.plain run --config FILE``.

The tests' own tools bring orjson, which microdot takes where it is; what ``requirements/runtime.txt`` locks has none.
"""

import sys

from sim7020_bridge.__main__ import main

if __name__ == "__main__":
    sys.modules["orjson"] = None  # type: ignore[assignment]
    main()
