"""A broker with the access rules of docs/security.md: nobody gains a topic by naming it as Response Topic."""

from pathlib import Path

from tests.campaign.test_security import guarded
from tests.e2e.mqtt_peer import Mqtt5, MqttPeer
from tests.e2e.world import run, udp

RULES = Path(__file__).parents[2] / "docs/security.md"
GAINED = (
    "sim7020/shed/state",
    "sim7020/shed/availability",
    "sim7020/shed/alert/sim_puk",
    "sim7020/shed/response/ping",
    "sim7020/shed/socket/telemetry/received",
    "sim7020/attic/state",
    "sim7020/pool/meters/receipt",
    "greenhouse/commands",
)


async def test_nobody_gains_a_topic(tmp_path: Path) -> None:
    """Whoever may only send has nothing published with the bridge's rights, where others are to be heard."""
    rules, passwords = tmp_path / "rules", tmp_path / "passwords"
    page = RULES.read_text(encoding="utf-8").partition("```acl\n")[2].partition("```")[0]
    rules.write_text(f"{page}\nuser observer\ntopic read #\n")
    passwords.touch()
    for user in ("bridge", "telemetry", "observer"):
        await run("mosquitto_passwd", "-b", str(passwords), user, user)
    for file in (rules, passwords):
        file.chmod(0o644)
    access = (f"acl_file {rules}", f"password_file {passwords}", "allow_anonymous false")
    async with guarded(tmp_path, *access) as (world, broker):
        away = str(tmp_path / "no-tty")
        modems = {
            "shed": {"port": away, "sockets": {"telemetry": udp(9)}},
            "attic": {"port": f"{away}2", "sockets": {"a": udp(9, received_topic="greenhouse/commands")}},
        }
        login = {"username": "bridge", "password": "bridge"}
        await world.bridge(modems, port=broker.port, **login)
        observer = MqttPeer(broker.host, broker.port, user="observer")
        telemetry = MqttPeer(broker.host, broker.port, user="telemetry")
        await observer.start()
        await telemetry.start()
        await observer.message("sim7020/shed/availability", lambda heard: heard.payload == b"online")
        send, receipt = "sim7020/shed/socket/telemetry/send", "sim7020/shed/socket/telemetry/receipt"
        for number, topic in enumerate(GAINED):
            properties = Mqtt5(response_topic=topic, correlation_data=b"mine", user=(("id", f"m{number}"),))
            await telemetry.publish(send, b"x", properties=properties)
        # in order: whatever was published for one of them has come by then
        await telemetry.publish(send, b"x", properties=Mqtt5(user=(("id", "last"),)))
        await observer.message(receipt, lambda heard: heard.json()["id"] == "last")
        assert [heard.topic for heard in observer.heard if heard.topic != send and heard.correlation_data] == []
        await telemetry.stop()
        await observer.stop()
