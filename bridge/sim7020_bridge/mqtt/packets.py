"""What goes with the packets of MQTT 5 beside what 3.1.1 has."""

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from sim7020_bridge.mqtt import arrival
from sim7020_bridge.mqtt.messages import Publication
from sim7020_bridge.mqtt.topics import Subscription


def of_connect(*, lasting: bool) -> Properties:
    """Return the properties of CONNECT; ``lasting`` is whether the broker is to keep the session."""
    properties = _of(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = arrival.SESSION_EXPIRY if lasting else 0
    properties.ReceiveMaximum = arrival.RECEIVE_MAXIMUM
    properties.MaximumPacketSize = arrival.LONGEST
    return properties


def of_publication(publication: Publication) -> Properties | None:
    """Return the properties of PUBLISH; None if it has none."""
    if publication.correlation_data is None and publication.expiry is None:
        return None
    properties = _of(PacketTypes.PUBLISH)
    if publication.correlation_data is not None:
        properties.CorrelationData = publication.correlation_data
    if publication.expiry is not None:
        properties.MessageExpiryInterval = publication.expiry
    return properties


def of_subscription(wanted: Subscription) -> SubscribeOptions:
    """Return the options of SUBSCRIBE."""
    when = SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if wanted.every_time else SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
    return SubscribeOptions(qos=1, retainAsPublished=wanted.retain_as_published, retainHandling=when)


def _of(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]
