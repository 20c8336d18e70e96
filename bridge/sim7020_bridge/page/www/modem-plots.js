/** `<modem-plots modem="shed">`: signal, messages and data over an hour, a day or a week, in pictures, words and tables. */

import { get, pathOf } from "./api.js";
import { View, h } from "./dom.js";
import { History, SPANS } from "./history.js";
import { bytes, dateTime, duration, number, percent, shortTime, t } from "./i18n.js";
import { now } from "./now.js";
import { failure } from "./parts.js";
import { segments } from "./segments.js";
import { store } from "./store.js";
import { load } from "./time-plot.js";

/** How many minutes pass before a span is asked for again. */
const FRESH = { hour: 1, day: 5, week: 15 };

const dBm = (value) => `${number(value, { maximumFractionDigits: 0 })}\u00a0dBm`;
const dB = (value) => `${number(value, { maximumFractionDigits: 0 })}\u00a0dB`;
const whole = (value) => number(value, { maximumFractionDigits: 0 });
const volume = (value) => (value < 1000 ? `${whole(value)}\u00a0B` : bytes(value));
/** What came stands below the line; its number is what it is. */
const size = (write) => (value) => write(Math.abs(value));

class ModemPlots extends View {
  #span = "day";
  #history = null;
  #error = null;
  #minutes = 0;

  start() {
    this.hear(store, "history", ({ detail }) => {
      if (detail.modem !== this.#modem) return;
      this.#minutes += 1;
      if (this.#minutes >= FRESH[this.#span]) this.#fetch();
    });
    this.hear(store, "restart", () => this.#fetch());
    this.hear(store, "back", () => this.#error && this.#fetch());
    this.#fetch();
  }

  get #modem() {
    return this.getAttribute("modem");
  }

  async #fetch() {
    const span = this.#span;
    this.#minutes = 0;
    try {
      const [document] = await Promise.all([get(`${pathOf(this.#modem)}/history?span=${span}`, { signal: this.ended }), load()]);
      if (span !== this.#span) return;
      this.#history = new History(document);
      this.#error = null;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#error = error;
    }
    this.redraw();
  }

  #choose(span) {
    this.#span = span;
    this.#history = null;
    this.redraw();
    this.#fetch();
  }

  render() {
    return h(
      "section",
      { class: "card plots", "aria-labelledby": "plots-title" },
      h("div", { class: "row apart" }, h("h2", { id: "plots-title" }, t("modem.plots.title")), this.#spans()),
      this.#error ? h("p", { role: "alert" }, failure(this.#error)) : null,
      !this.#error && !this.#history ? h("p", { class: "quiet plots-waiting" }, t("shell.loading")) : null,
      this.#history && !this.#history.time.length ? h("p", { class: "quiet plots-waiting" }, t("modem.plots.none")) : null,
      this.#history?.time.length ? this.#all(this.#history) : null,
    );
  }

  #spans() {
    const names = Object.keys(SPANS).map((span) => [span, t(`modem.plots.spans.${span}`)]);
    return segments(t("modem.plots.span"), "span", names, this.#span, (span) => this.#choose(span));
  }

  #all(history) {
    return [
      h("p", { class: "plots-summary" }, this.#summary(history)),
      h("div", { class: "plots-grid", key: this.#span }, this.#plots(history).map((plot) => figure(plot))),
      interruptions(history),
      h("details", { class: "plots-table more", ontoggle: () => this.redraw() }, h("summary", null, t("modem.plots.table")), this.#table(history)),
    ];
  }

  #summary(history) {
    const words = [];
    const rsrp = history.figures("rsrp");
    const [least, greatest] = rsrp ? [dBm(rsrp.least), dBm(rsrp.greatest)] : [];
    if (rsrp) words.push(least === greatest ? t("modem.plots.rsrp_same", { least }) : t("modem.plots.rsrp", { mean: dBm(rsrp.mean), least, greatest }));
    const online = history.online();
    if (online !== null) words.push(t("modem.plots.online", { share: percent(online) }));
    const out = history.outage(SPANS[this.#span].seconds);
    words.push(history.outages.length ? t("modem.plots.outages", { count: history.outages.length, time: duration(out) }) : t("modem.plots.no_outage"));
    return words.join(" ");
  }

  #plots(history) {
    const { seconds, bar } = SPANS[this.#span];
    const to = Math.max(Math.floor(now() / 1000), history.time.at(-1));
    const frame = { from: to - seconds, to, outages: history.outages };
    const sums = history.buckets(bar, ["sent", "received", "failed", "up", "down"]);
    const middle = sums.time.map((time) => time + bar / 2);
    const below = (values) => values.map((value) => (value === null ? null : -value));
    return [
      {
        ...frame,
        label: t("modem.plots.signal"),
        time: history.time,
        scales: { dBm: { range: wide(20, -140, -40), marks: [-100, -120], written: whole } },
        lines: [
          { name: "RSRP", values: history.values("rsrp"), scale: "dBm", colour: "--plot-1", written: dBm },
          { name: "RSSI", values: history.values("rssi"), scale: "dBm", colour: "--plot-2", dash: [5, 3], written: dBm },
        ],
        hint: t("modem.plots.marks"),
      },
      {
        ...frame,
        label: t("modem.plots.quality"),
        time: history.time,
        scales: { dB: { range: wide(10, -30, 40), marks: [0], written: whole }, level: { range: () => [-0.2, 4], side: 1, written: (value) => (value <= 2 ? whole(value) : "") } },
        lines: [
          { name: "SINR", values: history.values("sinr"), scale: "dB", colour: "--plot-1", written: dB },
          { name: t("modem.plots.ecl"), values: history.values("ecl"), scale: "level", colour: "--plot-3", kind: "steps", written: whole },
        ],
      },
      {
        ...frame,
        label: t("modem.plots.messages"),
        time: middle,
        scales: { count: { range: around(4), marks: [0], written: size(whole) } },
        lines: [
          { name: t("modem.plots.sent"), values: sums.sent, scale: "count", colour: "--plot-1", kind: "bars", written: whole },
          { name: t("modem.plots.received"), values: below(sums.received), scale: "count", colour: "--plot-2", kind: "bars", written: size(whole) },
          { name: t("modem.plots.failed"), values: sums.failed, scale: "count", colour: "--bad-fill", kind: "bars", written: whole },
        ],
        hint: t("modem.plots.sums", { sent: history.sum("sent"), received: history.sum("received"), failed: history.sum("failed") }),
      },
      {
        ...frame,
        label: t("modem.plots.data"),
        time: middle,
        scales: { bytes: { range: around(100), marks: [0], written: size(volume) } },
        lines: [
          { name: t("modem.plots.up"), values: sums.up, scale: "bytes", colour: "--plot-1", kind: "bars", written: bytes },
          { name: t("modem.plots.down"), values: below(sums.down), scale: "bytes", colour: "--plot-2", kind: "bars", written: size(bytes) },
        ],
        hint: t("modem.plots.volume", { up: bytes(history.sum("up")), down: bytes(history.sum("down")) }),
      },
    ];
  }

  #table(history) {
    if (!this.querySelector(".plots-table")?.open) return null;
    const names = ["time", "rsrp", "sinr", "ecl", "online", "sent", "received", "failed", "up", "down"];
    const write = {
      time: (value) => shortTime(value * 1000), rsrp: dBm, sinr: dB, ecl: whole, online: percent,
      sent: whole, received: whole, failed: whole, up: bytes, down: bytes,
    };
    return h(
      "div",
      { class: "table-frame", tabindex: "0", role: "region", "aria-label": t("modem.plots.table") },
      h(
        "table",
        null,
        h("thead", null, h("tr", null, names.map((name) => h("th", { scope: "col", class: name === "time" ? "" : "numbers" }, t(`modem.plots.column.${name}`))))),
        h(
          "tbody",
          null,
          history.rows(SPANS[this.#span].row).map((row) =>
            h(
              "tr",
              { key: row.time },
              names.map((name) => h(name === "time" ? "th" : "td", { class: "numbers", scope: name === "time" ? "row" : null }, row[name] === null ? "–" : write[name](row[name]))),
            ),
          ),
        ),
      ),
    );
  }
}

function figure(plot) {
  return h(
    "figure",
    { class: "plot", key: plot.label },
    h("h3", null, plot.label),
    h("time-plot", { ".plot": plot }),
    plot.hint ? h("figcaption", { class: "small quiet" }, plot.hint) : null,
  );
}

function interruptions(history) {
  if (!history.outages.length) return null;
  const latest = [...history.outages].reverse().slice(0, 50);
  return h(
    "details",
    { class: "outages more" },
    h("summary", null, t("modem.plots.interruptions", { count: history.outages.length })),
    h(
      "ul",
      null,
      latest.map(({ from, to, layer }) =>
        h(
          "li",
          { key: from },
          t(to === null ? "modem.plots.still" : "modem.plots.lasted", {
            from: dateTime(from * 1000),
            time: duration((to ?? now() / 1000) - from),
            layer: t(`modems.condition.${layer}`),
          }),
        ),
      ),
    ),
  );
}

/** A range that shows at least `least` of a scale that ends somewhere. */
function wide(least, bottom, top) {
  return (low, high) => {
    if (low === null || high === null) return [bottom / 2, top / 2].sort((one, other) => one - other);
    const missing = Math.max(0, least - (high - low)) / 2 + 2;
    return [Math.max(bottom, Math.floor(low - missing)), Math.min(top, Math.ceil(high + missing))];
  };
}

/** A range around nought for what went up and what came down. */
function around(least) {
  return (low, high) => {
    const up = Math.max(high ?? 0, least / 2);
    const down = Math.min(low ?? 0, -up / 5);
    return [down * 1.1, up * 1.1];
  };
}

customElements.define("modem-plots", ModemPlots);
