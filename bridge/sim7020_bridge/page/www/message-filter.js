/** What of the messages is looked for: kept in the address, asked of the bridge, held against what comes in. */

/** The filter in the address's hash: `#/modem/shed/messages?socket=telemetry&state=failed&text=door`. */
export function filterOfHash() {
  const query = new URLSearchParams(location.hash.split("?")[1] ?? "");
  return { socket: query.get("socket") ?? "", state: query.get("state") ?? "", text: query.get("text") ?? "" };
}

/** Put a filter into the address, so that going back or passing the address on finds the same. */
export function keepFilter(filter) {
  const given = Object.entries(filter).filter(([, value]) => value);
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  history.replaceState(null, "", location.hash.split("?")[0] + query);
}

/** What a message is looked for by; the bridge's `find` does the same. */
function sort({ state, error }) {
  return state === "failed" && error?.code === "cancelled" ? "cancelled" : state;
}

/** Whether a message is among those that are looked for. */
export function matches(message, { socket, state, text }) {
  if (socket && message.socket !== socket) return false;
  if (state && !state.split(",").includes(sort(message))) return false;
  const wanted = text.toLowerCase();
  return !wanted || [message.text, message.topic, message.id, message.hex]
    .some((value) => value?.toLowerCase().includes(wanted));
}
