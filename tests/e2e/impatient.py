"""The bridge's command line with short waits for its broker: who ends a connection every second meets it at work.

Run as a program in the place of ``sim7020_bridge``.
"""

from unittest.mock import patch

from sim7020_bridge.__main__ import main
from sim7020_bridge.mqtt.timing import ClientTiming

TIMING = ClientTiming(first_retry=0.5, last_retry=1.0, refused_retry=0.2, taken_over=(0.5, 2.0), stable=0.5)

if __name__ == "__main__":
    with patch("sim7020_bridge.mqtt.client.ClientTiming", lambda: TIMING):
        main()
