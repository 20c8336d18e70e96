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

Every key may also come from the environment, which wins over the file: `SIM7020_` and the key's path in capitals,
joined by two underscores. `SIM7020_MQTT__PASSWORD` is `mqtt: password:`, `SIM7020_MODEMS__SHED__PORT` is
`modems: shed: port:`. Secrets may stand in files of their own (`password_file`, `pin_file`, `apn_password_file`).
[Operations](operations.md#where-values-come-from) has the rules; `sim7020-bridge check FILE` shows what it comes to.

## Keys

| key | needed | default | meaning |
|---|---|---|---|
{rows}

## Power saving

A modem that listens all the time empties a battery; on a mains adapter that doesn't matter. Power saving trades
listening for waiting. Whatever is asked for, the network decides; what it granted stands in the modem's `state`.
Times are rounded up to what the network's timers can hold. Sleeping is no fault: messages wait in the bridge.

- **PSM** (`active_time`, `periodic_update`): some time after its last message the modem switches itself off, all but a
  clock, and can't be reached from either side until it wakes.
- **eDRX** (`edrx_cycle`, `paging_window`): the modem listens for a moment once in each cycle, and what is sent to it
  waits for that moment.
- **Light sleep** (`light_sleep`): only the module's serial port sleeps; the network notices nothing.

A weather station that sends once an hour, and takes orders for a minute after that:

```yaml
power_saving:
  active_time: 60
  periodic_update: 7200
  retain_sockets: true
  release_assistance: true
```

In PSM the module's serial port is dead: only its clock or its PWRKEY pin wakes it. If messages shall go out at any
time, give the bridge a [power hook](#power-hook) at PWRKEY with `wakes: true`; else they wait for `periodic_update`.
An open TCP connection, or a USB cable at the module, keeps it from sleeping.

## Power hook

Some faults can be mended only by switching the module off and on. A power hook lets the bridge do that, after all
gentler steps have failed: give one of `command`, `topic` and `gpio` under `recovery: power:`.

PWRKEY is the module's power button, a pin that must be pulled to ground for about a second. It is driven through a
transistor, which many boards have: 1 presses it. With libgpiod's tools (`gpioset`) installed:

```yaml
recovery:
  power:
    gpio: {{chip: gpiochip0, line: 17}}
    wakes: true
```

A smart plug that feeds the modem is "pressed" by turning it **off**, so both payloads must be given. The module wants
to be without power for 5 s at least. Never let the plug feed the bridge, the broker or the plug's own radio as well.

```yaml
recovery:
  power:
    topic: zigbee2mqtt/modem plug/set
    press_payload: '{{"state": "OFF"}}'
    release_payload: '{{"state": "ON"}}'
    duration: 8
```

Anything else is a program of yours, which returns within a minute, when the module has power again, and says with its
exit status whether it worked (0). Pipes, `~` and variables are a shell's, so put them in a script:

```yaml
recovery:
  power:
    command: [/usr/local/bin/usb-power, "1-1.2", cycle]
```

## Good to know

- **Topics.** Each socket always has its own `send` and `received` topics; `send_topics` and `received_topic` come on
  top. Two `send_topics` of one modem must not match the same message, and none may match the socket's own
  `received_topic` or anything under `base_topic`: such a message would go round in a loop.
- **Retained messages.** A message that was retained on a `send_topics` topic before the bridge subscribed is refused:
  it is old. New ones are sent, whether their publisher retains them or not.
- **Texts that look like numbers** (`password: 0123`, `pin: 1234`) must be put in quotes.
- **The SIM's PIN** is digits that came with the SIM. Many SIMs for machines ask for none. The bridge tries a PIN
  once; if the SIM refuses it, it is not tried again until another one is configured.
- **AT commands** are the module's own language, and most can do harm: change the PIN, the line rate, the network.
  `allow_at` therefore names what the request `at` may send. `"AT+CENG?"` allows that very command, `"AT+CG*"` all that
  start with `AT+CG`, `"AT**"` the module's commands that start with `AT*`, and `"AT*"` alone **everything**.
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
