/** What one modem's documents say, each thing on a card of its own. */

import { h } from "./dom.js";
import { forecast } from "./history.js";
import { bytes, dateTime, duration, number, percent, t } from "./i18n.js";
import { operator, reception, signalOf, socketError, waiting } from "./modems.js";
import { badge, copying, facts, meter } from "./parts.js";

/** How it receives, which cell it is in, and what address it has; `refresh` stands beside the signal. */
export function network({ state }, refresh) {
  const { registration, pdn } = state;
  const signal = signalOf(state);
  return panel("network", [
    h("div", { class: "row apart" }, reception(signal), refresh),
    facts([
      ["RSSI", unit(signal?.rssi, "dBm")],
      ["RSRQ", unit(signal?.rsrq, "dB")],
      [t("modem.network.ecl"), typeof signal?.ecl === "number" ? t(`modem.network.levels.${signal.ecl}`) : null],
      [t("modem.network.operator"), operator(state)],
      ["PLMN", registration.plmn],
      [t("modem.network.status"), registration.status ? t(`modems.registration.${registration.status}`) : null],
      [t("modem.network.band"), registration.band === null ? null : `B${registration.band}`],
      [t("modem.network.cell"), registration.cell_id],
      ["TAC", registration.tac],
      ["PCI", registration.pci],
      ["EARFCN", registration.earfcn],
      ["APN", pdn.apn],
      ...requested(pdn),
      [t("modem.network.address"), pdn.address],
      [t("modem.network.context"), pdn.state ? t(`modem.network.contexts.${pdn.state}`) : null],
      [t("modem.network.sim"), state.sim.status ? t(`modem.network.sims.${state.sim.status}`) : null],
    ]),
  ]);
}

/** The APN that was asked for, where the network has given another or none. */
function requested({ state, requested_apn: asked, apn }) {
  if (!asked || asked.toLowerCase() === apn?.toLowerCase()) return [];
  return [[t("modem.network.requested_apn"), state === "active" ? asked : t("modem.network.not_given", { apn: asked })]];
}

/** What of the budget is used, and until when the rest will do; `history` is the last week's, or null. */
export function usage({ state }, history, { calibrate }) {
  const { usage: used } = state;
  const share = used.budget ? used.used / used.budget : null;
  const tone = share === null || share < 0.8 ? "good" : share < 1 ? "warn" : "bad";
  const apart = used.billing !== "bytes" && typeof used.billed?.period === "number";
  const paced = history ? forecast(history, used.left, apart ? weight(used) : 1) : null;
  return panel("usage", [
    share === null
      ? h("p", { class: "quiet" }, t("modem.usage.no_budget"))
      : [
          h("p", null, h("strong", null, t("modem.usage.of", { used: bytes(used.used), budget: bytes(used.budget) })), " ", h("span", { class: "quiet" }, percent(share))),
          meter(share, { tone }),
        ],
    h("p", null, outlook(used, paced, history)),
    h(
      "table",
      { class: "usage-table" },
      h("thead", null, h("tr", null, h("td", null), ["up", "down", ...(apart ? ["billed"] : [])].map((way) => h("th", { scope: "col", class: "numbers" }, t(`modem.usage.${way}`))))),
      h(
        "tbody",
        null,
        ["today", "period", "total"].map((time) =>
          h(
            "tr",
            { key: time },
            h("th", { scope: "row" }, t(`modem.usage.${time}`)),
            [used[time].up, used[time].down, ...(apart ? [used.billed[time]] : [])].map((size) => h("td", { class: "numbers" }, size === null ? "–" : bytes(size))),
          ),
        ),
      ),
    ),
    calibrate ? h("p", { class: "small" }, h("a", { href: calibrate }, t("modem.usage.calibrate"))) : null,
  ]);
}

/** How many bytes the operator bills for each that was counted in this billing period. */
function weight({ billed, period }) {
  const counted = period.up + period.down;
  return counted > 0 ? billed.period / counted : 1;
}

function outlook(used, paced, history) {
  if (used.budget && used.left === 0) return t("modem.usage.used_up");
  if (!history) return "";
  if (!paced) return t("modem.usage.too_early");
  const pace = bytes(paced.day);
  if (paced.days === null) return t("modem.usage.pace", { pace });
  if (paced.days > 62) return t("modem.usage.plenty", { pace });
  if (paced.days < 1) return t("modem.usage.hours", { pace, time: duration(paced.days * 86400, 1) });
  return t("modem.usage.days", { pace, count: Math.floor(paced.days) });
}

/** What waits, and what the bridge had to do to keep the modem on line. */
export function care(modem, { messages }) {
  const { outbox, counters } = modem.state;
  const steps = Object.entries(counters.recoveries).filter(([, count]) => count > 0);
  return panel("care", [
    facts([
      [t("modem.care.waiting"), waiting(modem)],
      [t("modem.care.bytes"), outbox.messages ? bytes(outbox.bytes) : null],
      [t("modem.care.aside"), outbox.aside ? number(outbox.aside) : null],
      [t("modem.care.reboots"), number(counters.reboots)],
      [t("modem.care.resyncs"), number(counters.resyncs)],
    ]),
    h("h3", null, t("modem.care.recoveries")),
    steps.length
      ? h("ul", { class: "plain-list" }, steps.map(([step, count]) => h("li", { key: step }, `${t(`modem.care.steps.${step}`)}: ${number(count)}`)))
      : h("p", { class: "quiet" }, t("modem.care.none")),
    messages ? h("p", { class: "small" }, h("a", { href: messages }, t("modem.care.messages"))) : null,
  ]);
}

const PHASES = { open: "good", opening: "calm", closed: "", backoff: "warn" };

/** Each socket: where to, how it is, what went through, and what went wrong last. */
export function sockets({ sockets: states, info }) {
  const names = [...new Set([...(info?.sockets ?? []).map(({ name }) => name), ...states.keys()])];
  return panel(
    "sockets",
    names.length
      ? h("ul", { class: "sockets" }, names.map((name) => socket(name, states.get(name), info?.sockets?.find((known) => known.name === name))))
      : h("p", { class: "quiet" }, t("modem.sockets.none"))
  );
}

function socket(name, state, info) {
  const { protocol, host, port } = state ?? info ?? {};
  const error = state?.last_error;
  return h(
    "li",
    { class: "socket", key: name },
    h(
      "div",
      { class: "row" },
      h("h3", null, name),
      state ? badge(t(`modem.sockets.phases.${state.phase}`), PHASES[state.phase]) : null,
      h("span", { class: "mono" }, `${protocol ?? ""} ${host ?? ""}:${port ?? ""}`),
    ),
    state
      ? h("p", { class: "small" }, t("modem.sockets.sent", through(state.sent)), " · ", t("modem.sockets.received", through(state.received)))
      : null,
    info
      ? h("p", { class: "small quiet" }, t("modem.sockets.topics", { topics: info.send_topics.join(", "), topic: info.received_topic }), ` · ${t("modem.sockets.encoding", { encoding: info.encoding })}`)
      : null,
    typeof state?.in_pool === "boolean" ? h("p", { class: "small quiet" }, t(state.in_pool ? "modem.sockets.in_pool" : "modem.sockets.out_of_pool", { pool: info?.pool ?? "" })) : null,
    error
      ? h(
          "p",
          { class: "small socket-error" },
          h("app-icon", { name: "alert" }),
          h("span", null, t("modem.sockets.error", { words: socketError(error), code: error.code }), " ", error.at ? h("time-since", { time: error.at }) : null),
        )
      : null,
  );
}

function through({ messages, bytes: count }) {
  return { count: messages, bytes: bytes(count) };
}

/** Power saving as it was asked for and as the network granted it. */
export function power({ state }) {
  const { psm, edrx, asked, release_assistance: release, sleeping, voltage } = state.power;
  const granted = { active_time: psm?.active_time, periodic_update: psm?.periodic_update, edrx_cycle: edrx?.cycle, paging_window: edrx?.paging_window };
  const rows = Object.keys(granted);
  const any = rows.some((name) => known(granted[name]) || known(asked?.[name]));
  return panel("power", [
    h("p", null, sleeping ? t("modem.power.asleep") : sleeping === false ? t("modem.power.awake") : "", voltage === null ? null : [" ", t("modem.power.voltage", { voltage: number(voltage, { maximumFractionDigits: 2 }) })]),
    any
      ? h(
          "table",
          null,
          h("thead", null, h("tr", null, h("td", null), ["asked", "granted"].map((which) => h("th", { scope: "col", class: "numbers" }, t(`modem.power.${which}`))))),
          h(
            "tbody",
            null,
            rows.map((name) =>
              h(
                "tr",
                { key: name },
                h("th", { scope: "row" }, t(`modem.power.rows.${name}`)),
                [asked?.[name], granted[name]].map((seconds) => h("td", { class: "numbers" }, known(seconds) ? duration(seconds) : "–")),
              ),
            ),
          ),
        )
      : h("p", { class: "quiet" }, t("modem.power.off")),
    known(release) ? h("p", null, t(`modem.power.release_assistance.${release}`)) : null,
  ]);
}

function known(value) {
  return value !== null && value !== undefined;
}

/** Which hardware, firmware, card and bridge this is. */
export function identity({ info, state }) {
  if (!info) return null;
  const { modem, bridge } = info;
  const number = (value) => (value ? h("span", { class: "copied" }, h("span", { class: "mono" }, value), copying(value)) : null);
  return panel("identity", [
    facts([
      [t("modem.identity.model"), [modem.manufacturer, modem.model].filter(Boolean).join(" ") || null],
      [t("modem.identity.firmware"), modem.firmware],
      ["IMEI", number(modem.imei)],
      ["IMSI", number(modem.imsi)],
      ["ICCID", number(modem.iccid)],
      [t("modem.identity.clock"), state?.clock?.time ? dateTime(state.clock.time) : null],
      [t("modem.identity.bridge"), `${bridge.name} ${bridge.version}`],
    ]),
  ]);
}

function panel(name, content) {
  return h("section", { class: "card panel", key: name, "aria-labelledby": `panel-${name}` }, h("h2", { id: `panel-${name}` }, t(`modem.${name}.title`)), content);
}

function unit(value, name) {
  return typeof value === "number" ? `${number(value, { maximumFractionDigits: 1 })}\u00a0${name}` : null;
}
