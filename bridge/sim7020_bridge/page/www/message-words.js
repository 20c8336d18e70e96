/** A message in words and marks: its state, how long each step took, how its payload looks. */

import { h } from "./dom.js";
import { dateTime, duration, has, t } from "./i18n.js";
import { badge } from "./parts.js";
import { bytesOfHex, bytesOfText, hexDump, oneLine, prettyJson, visibleText } from "./payload.js";

/** What a message may be looked for by: states, and that it was cancelled, in the order in which it goes through them. */
export const STATES = [
  "queued", "sending", "accepted", "acknowledged", "received", "failed", "cancelled", "expired", "superseded", "rejected", "unknown",
];

/** States of which a sender would rather have heard nothing, as one choice. */
export const UNDELIVERED = "failed,expired,rejected";

const TONES = {
  queued: "calm", sending: "calm", accepted: "good", acknowledged: "good", received: "good",
  failed: "bad", expired: "bad", rejected: "bad", unknown: "warn",
};
const LINE = 160;
const DIGITS = 48;

/** A message's state in a word or two. */
export function stateWords(state) {
  if (state === "cancelled") return t("messages.withdrawn");
  return has(`messages.states.${state}`) ? t(`messages.states.${state}`) : state;
}

/** Whether a message ended because somebody wanted it to: to the contract it has failed, to people nothing is wrong. */
export function cancelled({ state, error }) {
  return state === "failed" && error?.code === "cancelled";
}

/** The state of a message, or of a step of it that is the last, as a badge. */
export function stateBadge({ state, error = null }) {
  return cancelled({ state, error }) ? badge(t("messages.withdrawn")) : badge(stateWords(state), TONES[state]);
}

/** Which way a message goes: an arrow, and the words for those who don't see it. */
export function direction(message) {
  const words = t(`messages.direction.${message.direction}`);
  return h("span", { class: `direction ${message.direction}`, title: words },
    h("span", { "aria-hidden": "true" }, message.direction === "up" ? "↑" : "↓"),
    h("span", { class: "hidden-words" }, words));
}

/** A topic that breaks after its slashes first of all. */
export function topicWords(topic) {
  const levels = oneLine(topic).split("/");
  return h("bdi", null, levels.map((level, at) => (at < levels.length - 1 ? [`${level}/`, h("wbr", null)] : level)));
}

/** The beginning of a payload on one line. */
export function payloadLine(message) {
  if (message.bytes === 0) return h("span", { class: "quiet" }, t("messages.empty_payload"));
  if (message.text !== null) {
    const line = oneLine(message.text, LINE);
    const whole = line.endsWith("…") || bytesOfText(message.text).length >= message.bytes;
    return h("bdi", { class: "mono" }, whole ? line : `${line}…`);
  }
  if (!message.hex) return h("span", { class: "quiet" }, t("messages.payload_unknown"));
  const digits = message.hex.slice(0, DIGITS).replace(/..(?=.)/g, "$& ");
  return h("span", { class: "mono digits" }, message.hex.length > DIGITS ? `${digits} …` : digits);
}

/** The ways in which a payload can be read, the best one first: pairs of `json`, `text` or `hex` and what it is then. */
export function readings({ text, hex, cut }) {
  const ways = [];
  const json = cut ? null : prettyJson(text);
  if (json !== null) ways.push(["json", visibleText(json)]);
  if (text) ways.push(["text", visibleText(text)]);
  const bytes = bytesOfHex(hex ?? "");
  if (bytes?.length) ways.push(["hex", hexDump(bytes)]);
  return ways;
}

/** Each step with its time, and how long after the one before it. */
export function steps(message) {
  return h("ol", { class: "steps" }, message.steps.map(({ state, at }, index) => {
    const before = message.steps[index - 1];
    const seconds = before ? Math.max(0, (new Date(at) - new Date(before.at)) / 1000) : null;
    return h("li", { key: index },
      stateBadge({ state, error: message.error }),
      h("time", { datetime: at, class: "numbers" }, dateTime(at)),
      seconds === null ? null : h("span", { class: "quiet" }, t("messages.after", { time: duration(seconds) })));
  }));
}
