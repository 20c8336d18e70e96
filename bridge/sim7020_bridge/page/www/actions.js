/** What can be asked of a modem: what each costs, what it needs to know, and what it answers, in words. */

import { h } from "./dom.js";
import { bytes, duration, number, t } from "./i18n.js";
import { operator, reception, signalOf } from "./modems.js";
import { choice, field } from "./parts.js";

const CYCLES = [20.48, 40.96, 81.92, 163.84, 327.68, 655.36, 1310.72, 2621.44, 5242.88, 10485.76];
const WINDOWS = Array.from({ length: 16 }, (_, n) => Math.round((n + 1) * 256) / 100);
const UNITS = { B: 1, kB: 1e3, MB: 1e6 };

/**
 * Each action: its `verb`, where it stands, what it `costs` if anything (`data`, `attach`, or the `line`),
 * `asks` whether it asks back first, `fields(modem)` for what it needs to know, `body(values)` for the request from that,
 * `told(data, modem)` for its answer, and `well(data)` for whether it became what whoever asks for it wants.
 */
export const ACTIONS = [
  { verb: "refresh", group: "look", told: (_, modem) => readings(modem) },
  {
    verb: "ping", group: "look", costs: "data", asks: true,
    fields: (modem) => [host(t("actions.ping.host"), firstHost(modem)), field(t("actions.ping.count"), { name: "count", type: "number", min: 1, max: 100, value: 4, required: true })],
    body: ({ host: name, count }) => ({ host: name.trim(), count: Number(count) }),
    told: pinged,
  },
  {
    verb: "resolve", group: "look", costs: "data", asks: true,
    fields: (modem) => [field(t("actions.resolve.name"), { name: "name", required: true, maxlength: 255, value: namedHost(modem) })],
    body: ({ name }) => ({ name: name.trim() }),
    told: ({ name, addresses }) => [h("p", null, t("actions.resolve.found", { name })), list(addresses)],
  },
  {
    verb: "trace", group: "look", asks: true,
    fields: () => [
      choice(t("actions.trace.for"), { name: "seconds", chosen: 600 }, [[60, duration(60)], [600, duration(600)], [3600, duration(3600)], [86400, duration(86400)], [0, t("actions.trace.stop")]]),
    ],
    body: ({ seconds }) => ({ seconds: Number(seconds) }),
    told: ({ seconds }) => h("p", null, seconds ? t("actions.trace.on", { time: duration(seconds) }) : t("actions.trace.off")),
  },
  { verb: "activate", group: "connection", told: connection, well: connected },
  { verb: "deactivate", group: "connection", costs: "line", asks: true, told: connection },
  { verb: "reattach", group: "connection", costs: "attach", asks: true, slow: true, told: connection, well: connected },
  {
    verb: "set_apn", group: "connection", costs: "attach", asks: true, slow: true,
    fields: (modem) => [
      field(t("actions.set_apn.apn"), { name: "apn", required: true, maxlength: 100, value: modem.state?.pdn?.requested_apn ?? modem.state?.pdn?.apn ?? "" }),
      field(t("actions.set_apn.username"), { name: "username", maxlength: 255 }, t("actions.set_apn.if_asked")),
      field(t("actions.set_apn.password"), { name: "password", type: "password", maxlength: 255, autocomplete: "new-password" }, t("actions.set_apn.if_asked")),
    ],
    body: ({ apn, username, password }) => ({ apn: apn.trim(), ...(username ? { username } : {}), ...(password ? { password } : {}) }),
    told: (data) => [connection(data), connected(data) ? h("p", null, t("actions.set_apn.keep")) : null],
    well: connected,
  },
  { verb: "reset", group: "connection", costs: "attach", asks: true },
  { verb: "wake", group: "power", asks: true },
  { verb: "sleep", group: "power", asks: true, fields: saving, body: saved },
  {
    verb: "calibrate", group: "data", asks: true,
    fields: (modem) => [
      h("p", { class: "quiet" }, typeof modem.state?.usage?.used === "number" ? t("actions.calibrate.now", { used: bytes(modem.state.usage.used) }) : null),
      field(t("actions.calibrate.used"), { name: "used", type: "number", min: 0, step: "any", required: true, inputmode: "decimal" }),
      choice(t("actions.calibrate.unit"), { name: "unit", chosen: "MB" }, Object.keys(UNITS).map((unit) => [unit, t(`actions.calibrate.units.${unit}`)])),
    ],
    body: ({ used, unit }) => ({ used: Math.round(Number(used) * UNITS[unit]) }),
    told: ({ used, budget, left }) =>
      h("p", null, budget === null ? t("actions.calibrate.counted", { used: bytes(used) }) : t("actions.calibrate.left", { used: bytes(used), budget: bytes(budget), left: bytes(left) })),
  },
];

function host(label, value) {
  return field(label, { name: "host", required: true, maxlength: 255, value });
}

function firstHost(modem) {
  return modem.info?.sockets?.[0]?.host ?? "";
}

function namedHost(modem) {
  return modem.info?.sockets?.map(({ host: name }) => name).find((name) => /[a-z]/i.test(name)) ?? "";
}

function list(words) {
  return h("ul", { class: "plain-list" }, words.map((word) => h("li", { class: "mono", key: word }, word)));
}

/** What the state says that was read; it follows the answer in a moment. */
function readings({ state }) {
  if (!state) return null;
  const status = state.registration?.status;
  const where = [status ? t(`modems.registration.${status}`) : null, operator(state)].filter(Boolean).join(" · ");
  return [h("p", null, reception(signalOf(state))), where ? h("p", null, where) : null];
}

function pinged({ host: name, address, sent, received, replies }) {
  const times = replies.map(({ time }) => time).filter((time) => time !== null);
  const mean = times.length ? times.reduce((sum, time) => sum + time, 0) / times.length : null;
  return [
    h("p", null, t("actions.ping.answered", { host: address && address !== name ? `${name} (${address})` : name, count: received, sent }), mean === null ? null : [" ", t("actions.ping.mean", { time: milliseconds(mean) })]),
    h("ol", { class: "plain-list numbers" }, replies.map(({ sequence, time }) => h("li", { key: sequence }, time === null ? t("actions.ping.lost") : milliseconds(time)))),
  ];
}

function milliseconds(time) {
  return `${number(time, { maximumFractionDigits: 0 })}\u00a0ms`;
}

function connected({ pdn }) {
  return pdn?.state === "active";
}

function connection({ pdn }) {
  if (!pdn) return null;
  if (pdn.state !== "active") return h("p", null, t("actions.connection.inactive"));
  return h("p", null, t("actions.connection.active", { apn: pdn.apn ?? t("shell.unknown"), address: pdn.address ?? t("shell.unknown") }));
}

function saving(modem) {
  const asked = modem.state?.power?.asked ?? {};
  const seconds = (name, min, max) => field(t(`actions.sleep.${name}`), { name, type: "number", min, max, step: "any", value: asked[name] ?? "", inputmode: "decimal" }, t(`actions.sleep.hints.${name}`));
  const of = (name, values) => choice(t(`actions.sleep.${name}`), { name, chosen: asked[name] ?? "" }, [["", t("actions.sleep.none")], ...values.map((value) => [value, duration(value)])]);
  const check = (name) => h("label", { class: "check" }, h("input", { type: "checkbox", name, value: "yes" }), t(`actions.sleep.${name}`));
  return [
    seconds("active_time", 2, 11160),
    seconds("periodic_update", 2, 35712000),
    of("edrx_cycle", CYCLES),
    of("paging_window", WINDOWS),
    ["light_sleep", "release_assistance", "retain_sockets"].map(check),
    h("p", { class: "quiet small" }, t("actions.sleep.nothing")),
  ];
}

function saved(values) {
  const body = {};
  for (const name of ["active_time", "periodic_update", "edrx_cycle", "paging_window"]) if (values[name]) body[name] = Number(values[name]);
  for (const name of ["light_sleep", "release_assistance", "retain_sockets"]) if (values[name]) body[name] = true;
  return body;
}
