"""The far end: a CoAP server that has what modems send, sealed by OSCORE, published at its own MQTT broker."""
