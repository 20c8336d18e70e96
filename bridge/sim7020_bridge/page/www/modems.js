/** What a modem's documents mean to a person, and the parts that show it in more than one view. */

import { h, svg } from "./dom.js";
import { current, duration, has, number, t } from "./i18n.js";
import { now } from "./now.js";
import { badge } from "./parts.js";
import { capital } from "./payload.js";

/** The steps of a link, in order; a modem that sleeps has climbed all of them. */
export const LAYERS = ["port", "at", "sim", "radio", "registration", "pdn", "online"];

/**
 * How a modem is: `key` of its words, `tone` as for a badge, and `rank`, the lower the more it needs somebody.
 * A modem without a state has said nothing yet.
 */
export function condition(modem) {
  const layer = modem.state?.link?.layer ?? null;
  const up = layer === "online" || layer === "sleeping";
  // Without a broker a modem has its own trouble all the same.
  if (isCutOff(modem) && (up || layer === null)) return { key: "broker", tone: "bad", rank: 1 };
  if (layer === null) return { key: "nothing", tone: "", rank: 3 };
  if (!up) return { key: layer, tone: modem.alerts.size ? "bad" : "warn", rank: modem.alerts.size ? 0 : 2 };
  if (modem.alerts.size || failing(modem).length) return { key: layer, tone: "warn", rank: 2.5 };
  return { key: layer, tone: layer === "online" ? "good" : "calm", rank: 4 };
}

/** Whether a modem's bridge has no broker. */
function isCutOff({ availability, broker }) {
  return availability === "offline" || broker?.connected === false;
}

/** The sockets whose last try failed, pairs of name and document; without a link none of them could do otherwise. */
export function failing({ state, sockets }) {
  const { layer, since } = state?.link ?? {};
  if (layer !== "online") return [];
  // While it is tried again it has the error of the last time, which may be from before the link was lost.
  const failed = ({ phase, last_error: error }) =>
    error && (phase === "backoff" || (phase === "opening" && new Date(error.at) >= new Date(since)));
  return [...sockets].filter(([, document]) => failed(document)).sort(([one], [other]) => one.localeCompare(other));
}

/** Whether somebody should look at a modem. */
export function needsSomebody(modem) {
  return modem.alerts.size > 0 || isCutOff(modem) || failing(modem).length > 0;
}

/** What went wrong with a socket last, in words. */
export function socketError({ name }) {
  return has(`modems.sockets.${name}`) ? t(`modems.sockets.${name}`) : name;
}

/** A modem's condition as a badge. */
export function conditionBadge(modem) {
  const { key, tone } = condition(modem);
  return badge(t(`modems.condition.${key}`), tone);
}

/** Since when its condition is so, and why, if the bridge says why. */
export function sinceWhen(modem) {
  if (condition(modem).key === "broker") return modem.broker?.since ? h("time-since", { time: modem.broker.since, lasting: true }) : null;
  const { since, reason } = modem.state?.link ?? {};
  if (!since) return null;
  const up = ["online", "sleeping"].includes(modem.state.link.layer);
  return [
    h("time-since", { time: since, lasting: true }),
    // The bridge's own words say it more closely; the condition beside them says it in every language.
    reason && current() === "en" && !up && !modem.alerts.size ? ` · ${reason}` : null,
  ];
}

/** The signal as far as it is one of now: below the radio the state has that of before. */
export function signalOf(state) {
  return ["port", "at", "sim"].includes(state?.link?.layer) ? null : state?.signal;
}

/** The verdict on a reception: `bars` of 4 and the key of the words; null where nothing is known. */
export function verdict(signal) {
  const { rsrp, rssi } = signal ?? {};
  if (typeof rsrp === "number") return graded(rsrp, rsrp > -100, -110, -120);
  // With a connection up the module may tell no RSRP; these are the limits by which a log's +CSQ is judged.
  if (typeof rssi === "number") return graded(rssi, rssi >= -77, -90, -98);
  return null;
}

function graded(dBm, good, fair, weak) {
  if (good) return { bars: 4, key: "good", tone: "good" };
  if (dBm >= fair) return { bars: 3, key: "fair", tone: "good" };
  if (dBm >= weak) return { bars: 2, key: "weak", tone: "warn" };
  return { bars: 1, key: "hard", tone: "bad" };
}

/** Bars, the verdict in words, and the numbers behind it. */
export function reception(signal, { numbers = true } = {}) {
  const found = verdict(signal);
  if (!found) return h("span", { class: "reception" }, bars(0, ""), h("span", { class: "quiet" }, t("modems.signal.none")));
  return h(
    "span",
    { class: "reception" },
    bars(found.bars, found.tone),
    h("span", null, t(`modems.signal.${found.key}`)),
    numbers ? h("span", { class: "figures quiet numbers small" }, figures(signal)) : null,
  );
}

function figures(signal) {
  const known = [
    typeof signal.rsrp === "number" ? ["RSRP", signal.rsrp, "dBm"] : ["RSSI", signal.rssi, "dBm"],
    ["SINR", signal.sinr, "dB"],
  ]
    .filter(([, value]) => typeof value === "number")
    .map(([name, value, unit]) => `${name}\u00a0${number(value, { maximumFractionDigits: 1 })}\u00a0${unit}`);
  if (typeof signal.sinr === "number" && signal.sinr < 0) known.push(t("modems.signal.noisy"));
  return known.join(" · ");
}

function bars(count, tone) {
  return svg(
    "svg",
    { class: `bars ${tone}`, viewBox: "0 0 22 18", width: 22, height: 18, "aria-hidden": "true" },
    [1, 2, 3, 4].map((n) => svg("rect", { class: n <= count ? "on" : "off", x: (n - 1) * 6, y: 18 - n * 4.5, width: 4, height: n * 4.5, rx: 1 })),
  );
}

/** The operator, and whether it is a foreign one. */
export function operator(state) {
  const registration = state?.registration;
  if (!registration?.operator && !registration?.plmn) return null;
  const name = registration.operator ?? registration.plmn;
  return registration.status === "roaming" ? t("modems.roaming", { operator: name }) : name;
}

/** What waits to be sent, in words; null if that is not known. */
export function waiting({ state, waiting: oldest }) {
  const outbox = state?.outbox;
  if (typeof outbox?.messages !== "number") return null;
  if (!outbox.messages) return t("modems.waiting.none");
  const words = t("modems.waiting.some", { count: outbox.messages });
  // The state tells the age that it had when the state was told.
  const age = oldest?.since ? (now() - new Date(oldest.since)) / 1000 : outbox.oldest;
  return !age || age < 10 ? words : t("modems.waiting.oldest", { words, age: duration(age) });
}

/** The stair from the port to online: how far the link has got, and how long each step took. */
export function stair(modem) {
  const link = modem.state?.link;
  const layer = link?.layer ?? null;
  const reached = layer === "sleeping" ? LAYERS.length - 1 : LAYERS.indexOf(layer);
  return h(
    "ol",
    { class: "stair", "aria-label": t("modems.stair.label") },
    LAYERS.map((name, n) => step(name, n, { layer, reached, link, steps: modem.link?.steps ?? [], alerted: modem.alerts.size > 0 })),
  );
}

function step(name, n, { layer, reached, link, steps, alerted }) {
  const top = n === LAYERS.length - 1;
  const done = reached >= 0 && (n < reached || (top && n === reached));
  const here = n === reached && !done;
  const how = done ? (layer === "sleeping" && top ? "asleep" : "done") : here ? (alerted ? "stuck" : "here") : "ahead";
  const took = steps.find((known) => known.layer === name)?.seconds ?? null;
  let time = null;
  if (done && took !== null) time = duration(took, 1);
  else if (here && link?.since) time = duration(Math.max(0, (now() - new Date(link.since)) / 1000), 1);
  return h(
    "li",
    { class: `step ${how}`, key: name, title: t(`modems.stair.meaning.${name}`) },
    h("span", { class: "step-tread", style: { "--n": n } }),
    h("span", { class: "step-name" }, top && layer === "sleeping" ? t("modems.stair.sleeping") : t(`modems.stair.${name}`)),
    h("span", { class: "hidden-words" }, ` ${t(`modems.stair.how.${how}`)} `),
    h("span", { class: "step-time numbers" }, time),
  );
}

/**
 * What is wrong with a modem and what to do: the broker first, then its alerts, the oldest first, then its sockets; `broker` false leaves
 * the broker out, where that is said once for all.
 */
export function alertNotes(modem, { broker = true } = {}) {
  const { tone } = condition(modem);
  return [
    broker && modem.broker?.connected === false ? brokerNote(modem.broker) : null,
    ...[...modem.alerts.values()]
      .sort((one, other) => String(one.since).localeCompare(String(other.since)))
      .map((alert) => alertNote(alert, tone === "bad" ? "bad" : "warn")),
    ...failing(modem).map(([name, document]) => socketNote(name, document)),
  ];
}

/** That these keys of the configuration wait until the bridge is started again, and how that is done; null without any. */
export function restartNote(keys) {
  if (!keys.length) return null;
  return h(
    "div",
    { class: "note warn", key: "restart" },
    h("app-icon", { name: "alert" }),
    h("p", { class: "note-title" }, t("modems.restart.title")),
    h("p", null, h("span", { class: "mono", lang: "en" }, keys.join(", "))),
    h("p", null, t("modems.restart.advice")),
  );
}

/** Why no modem has a broker, where all of several have the same reason; null otherwise. */
export function brokerOfAll(modems) {
  const [first, ...others] = modems.map(({ broker }) => broker);
  const same = (broker) => broker?.connected === false && broker.kind === first.kind;
  return first?.connected === false && others.length && others.every(same) ? brokerNote(first) : null;
}

function brokerNote({ kind, words, since }) {
  return h(
    "div",
    { class: "note bad", key: "broker" },
    h("app-icon", { name: "alert" }),
    h("p", { class: "note-title" }, t(`modems.broker.${kind}.title`)),
    h("p", null, t(`modems.broker.${kind}.advice`)),
    h("p", { class: "small", lang: "en" }, words),
    h("p", { class: "small quiet-on-tint" }, h("time-since", { time: since })),
  );
}

function socketNote(name, { last_error: error }) {
  return h(
    "div",
    { class: "note warn", key: `socket ${name}` },
    h("app-icon", { name: "alert" }),
    h("p", { class: "note-title" }, t("modems.socket.title", { name, words: socketError(error) })),
    h("p", null, t("modems.socket.advice")),
    error.since ? h("p", { class: "small quiet-on-tint" }, h("time-since", { time: error.since })) : null,
  );
}

function alertNote(alert, tone) {
  const translated = current() !== "en" && has(`alerts.${alert.id}.title`);
  return h(
    "div",
    { class: `note ${tone}`, key: alert.id },
    h("app-icon", { name: "alert" }),
    h("p", { class: "note-title" }, translated ? t(`alerts.${alert.id}.title`) : h("span", { lang: "en" }, capital(alert.message))),
    h("p", null, translated ? t(`alerts.${alert.id}.advice`) : h("span", { lang: "en" }, alert.advice)),
    translated ? h("p", { class: "small", lang: "en" }, alert.message) : null,
    alert.since ? h("p", { class: "small quiet-on-tint" }, h("time-since", { time: alert.since })) : null,
  );
}

/** Whether what a modem is called, or what is known of it, has all these words. */
export function fits(modem, words) {
  const { state, info } = modem;
  const all = [
    modem.name, t(`modems.condition.${condition(modem).key}`), operator(state), state?.pdn?.address, info?.modem?.imei,
    ...[...modem.alerts.values()].map((alert) => alert.message),
  ].join(" ").toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
