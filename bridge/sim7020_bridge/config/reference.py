"""``docs/configuration.md``, written from the schema: ``python -m sim7020_bridge.config.reference``."""

import sys

from sim7020_bridge.config.schema import describe

EXAMPLE = """\
mqtt:
  host: 127.0.0.1
  port: 1883
  base_topic: sim7020
modems:
  shed:
    port: /dev/serial/by-id/usb-1a86_USB_Serial-if00-port0
    apn: iot.1nce.net
    sockets:
      telemetry:
        protocol: udp
        host: 198.51.100.7
        port: 5005
        send_topics: [zigbee2mqtt/greenhouse/+]
        received_topic: greenhouse/commands
      control:
        protocol: tcp
        host: control.example.net
        port: 7000
        encoding: json
"""

_TEXT = """\
# Configuration

<!-- Written by `python -m sim7020_bridge.config.reference` from the schema; a test holds the two together. -->

The bridge reads one YAML file: `sim7020-bridge run --config FILE`. All mistakes are told at once, each with its line,
its key, its value (never a secret's) and what is allowed, and the exit status is 2.

```yaml
{example}```

Names of modems and sockets are yours: 1 to 32 characters of `a-z`, `0-9`, `_` and `-`. They label the
[topics](contract/README.md). Files are looked for beside the configuration file unless their path starts with `/`.

## Keys

| key | needed | default | meaning |
|---|---|---|---|
{rows}

## Good to know

- **Topics.** Each socket always has its own `send` and `received` topics; `send_topics` and `received_topic` come on
  top. Two `send_topics` of one modem must not match the same message, and none may match the socket's own
  `received_topic` or anything under `base_topic`: such a message would go round in a loop.
- **Retained messages.** A message that was retained on a `send_topics` topic before the bridge subscribed is refused:
  it is old. New ones are sent, whether their publisher retains them or not.
- **Texts that look like numbers** (`password: 0123`) must be put in quotes.
- **The broker's memory.** The bridge keeps a session, so that QoS 1 messages published while it is away wait in the
  broker. mosquitto keeps them over a restart of its own only with `persistence true`, and over a crash only from the
  last `autosave_interval` on.
- **Two bridges** with the same modem name on one broker would throw each other out; the log says so.
"""


def markdown() -> str:
    """Return the whole document."""
    rows = [
        f"| `{key.path}` | {'yes' if key.required else ''} | {f'`{key.default}`' if key.default else ''} "
        f"| {key.description} |"
        for key in describe()
    ]
    return _TEXT.format(example=EXAMPLE, rows="\n".join(rows))


if __name__ == "__main__":
    sys.stdout.write(markdown())
