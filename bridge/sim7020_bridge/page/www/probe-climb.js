/** A probe of a port as a climb: layer by layer lights up with what was found, what to do about it, and how long it took. */

import { stream } from "./api.js";
import { h, View } from "./dom.js";
import { current, duration, has, t } from "./i18n.js";
import { failure } from "./parts.js";
import { oneLine } from "./payload.js";

const LAYERS = ["port", "baud_rate", "module", "firmware", "sim", "signal", "registration", "apn", "address", "dns", "ping"];
/** Seconds below which it says nothing how long a layer took. */
const MOMENT = 0.05;
const REFUSALS = ["busy", "in_use"];
const ICONS = { fine: "check", warning: "alert", broken: "close" };
const TONES = { fine: "good", warning: "warn", broken: "bad" };

/** `wanted` is what to probe, as `api/probe` takes it; `onfound` is called with the findings when it is over. */
class ProbeClimb extends View {
  #wanted = null;
  #found = new Map();
  #waiting = null;
  #stopping = null;
  #problem = null;
  #said = "";
  #well = null;
  #last = 0;

  set wanted(wanted) {
    this.#wanted = wanted;
  }

  /** Findings that are known already, to be shown until the next climb. */
  set known(known) {
    if (this.#stopping || !known) return;
    this.#found = known.found;
    this.#well = known.well;
    this.redraw();
  }

  start() {
    this.ended.addEventListener("abort", () => this.#stopping?.abort());
  }

  render() {
    const running = this.#stopping !== null;
    return [
      h("ol", { class: "climb" }, LAYERS.map((layer) => this.#layer(layer))),
      h("div", { role: "status" }, this.#verdict()),
      h("div", { class: "row" },
        running
          ? h("button", { key: "stop", type: "button", class: "button", onclick: () => this.#stopping.abort() }, t("setup.probe.stop"))
          : h("button", { key: "go", type: "button", class: `button ${this.#well === null ? "main" : ""}`, disabled: !this.#wanted?.port, onclick: () => this.climb() },
            t(this.#found.size ? "setup.probe.again" : "setup.probe.go"))),
    ];
  }

  #layer(layer) {
    const found = this.#found.get(layer);
    const waiting = this.#waiting?.layer === layer ? this.#waiting : null;
    const status = found?.status ?? (waiting ? "waiting" : "ahead");
    return h("li", { key: layer, class: `rung ${status}` },
      h("span", { class: "rung-mark", "aria-hidden": "true" }, ICONS[status] ? h("app-icon", { name: ICONS[status] }) : null),
      h("div", { class: "rung-words" },
        h("div", { class: "rung-head" },
          h("span", { class: "rung-name" }, t(`setup.layers.${layer}`)),
          h("span", { class: "hidden-words" }, t(`setup.statuses.${status}`)),
          found?.took >= MOMENT ? h("span", { class: "quiet small numbers" }, duration(found.took)) : null),
        found ? h("p", { lang: "en" }, oneLine(found.summary)) : null,
        "pin_tries_left" in (found?.details ?? {}) ? h("p", { key: "tries" }, t("setup.probe.tries_left", { count: found.details.pin_tries_left })) : null,
        !found && waiting ? h("p", { class: "quiet", lang: "en" }, `${oneLine(waiting.waiting)} …`) : null,
        found?.advice ? h("p", { class: `rung-advice ${TONES[found.status] ?? ""}` }, advice(found)) : null));
  }

  #verdict() {
    if (this.#problem) return note("bad", "alert", this.#problem, this.#said);
    if (this.#well === null) return null;
    const warned = [...this.#found.values()].some(({ status }) => status === "warning");
    if (this.#well) return note(warned ? "warn" : "good", warned ? "alert" : "check", t(warned ? "setup.probe.warned" : "setup.probe.well"));
    const broken = [...this.#found.values()].find(({ status }) => status === "broken");
    return note("bad", "alert", t("setup.probe.broken", { layer: broken ? t(`setup.layers.${broken.layer}`) : "" }));
  }

  /** Probe from the beginning. */
  async climb() {
    this.#found = new Map();
    this.#problem = null;
    this.#well = null;
    this.#waiting = { layer: "port", waiting: this.#wanted.port };
    this.#last = 0;
    const stopping = new AbortController();
    this.#stopping = stopping;
    this.redraw();
    try {
      await stream("api/probe", this.#wanted, (line) => this.#hear(line), { signal: stopping.signal });
    } catch (error) {
      if (error.name !== "AbortError") this.#fail(error, failure(error));
    }
    this.#stopping = null;
    this.#waiting = null;
    this.redraw();
    if (this.#well !== null) this.onfound?.({ well: this.#well, found: this.#found });
  }

  /** Say why there was no probe; of a port in use, also by whom. */
  #fail({ code, message }, words) {
    this.#problem = REFUSALS.includes(code) ? t(`setup.probe.${code}`) : words;
    this.#said = code === "in_use" ? message : "";
  }

  #hear(line) {
    if (line.done) {
      if (line.document) this.#well = line.document.ok;
      else this.#fail(line, line.message);
    } else if (line.waiting) {
      this.#waiting = line;
    } else {
      this.#found.set(line.layer, { ...line, took: Math.max(0, line.seconds - this.#last) });
      this.#last = line.seconds;
      this.#waiting = null;
    }
    this.redraw();
  }
}

/** What to do, in the reader's language as far as the problem is known, and in the bridge's own words. */
function advice({ problem, details, advice: words }) {
  const known = current() !== "en" && [`advice.${problem}`, `alerts.${problem}.advice`].find(has);
  if (!known) return h("span", { lang: "en" }, oneLine(words));
  return oneLine(t(known, Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]))));
}

function note(tone, icon, words, said = "") {
  return h("div", { class: `note ${tone}` }, h("app-icon", { name: icon }), h("p", { class: "note-title" }, words),
    said ? h("p", { lang: "en" }, oneLine(said)) : null);
}

customElements.define("probe-climb", ProbeClimb);
