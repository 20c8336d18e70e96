/** What the bridge logs and what it says to the module, as it happens, each line of the dialogue explained. */

import { file, get, pathOf } from "./api.js";
import { h, View } from "./dom.js";
import { clock, has, t } from "./i18n.js";
import { LiveLines } from "./live-lines.js";
import { choice, failure, field, toast } from "./parts.js";
import { visibleText } from "./payload.js";
import { save } from "./save.js";
import { segments } from "./segments.js";
import { store } from "./store.js";

const LEVELS = ["debug", "info", "warning", "error", "critical"];
const PANELS = ["log", "at"];

const chosen = { shown: "both", level: "debug" };

class ViewLive extends View {
  #text = "";
  #paused = false;
  #problem = null;
  #lines = {
    log: new LiveLines({ label: t("live.log"), drawn: logLine, wanted: (line) => this.#wantsLog(line) }),
    at: new LiveLines({ label: t("live.at"), drawn: atLine, wanted: ({ line, words }) => this.#has(line, words) }),
  };
  /** Made once: a box that is made anew would lose where somebody reads. */
  #panels = h("div", { class: "live-panels" }, PANELS.map((panel) =>
    h("section", { class: `card live-panel ${panel}` }, h("h3", null, t(`live.${panel}`)), this.#lines[panel])));

  start() {
    this.modem = this.getAttribute("modem");
    this.hear(store, "log", ({ detail }) => this.#take("log", detail));
    this.hear(store, "trace", ({ detail }) => this.#take("at", detail));
    this.hear(store, "restart", () => this.#restart());
    this.hear(store, "back", () => this.#problem && this.#restart());
    store.want("log", this.ended);
    store.want("trace", this.ended);
    this.#load();
  }

  render() {
    this.#panels.className = `live-panels ${chosen.shown}`;
    const missed = PANELS.reduce((sum, panel) => sum + this.#lines[panel].missed, 0);
    return [
      h("h2", { class: "hidden-words" }, t("live.title")),
      h("div", { class: "live-tools" },
        segments(t("live.show"), "live-shown", ["both", ...PANELS].map((panel) => [panel, t(`live.${panel}`)]), chosen.shown,
          (shown) => this.#choose({ shown })),
        choice(t("live.level"), { chosen: chosen.level, onchange: (event) => this.#choose({ level: event.target.value }) },
          LEVELS.slice(0, -1).map((level) => [level, t(`live.from.${level}`)])),
        field(t("live.text"), { type: "search", oninput: (event) => this.#look(event.target.value) }),
        h("button", { type: "button", class: `button ${this.#paused ? "main" : ""}`, "aria-pressed": String(this.#paused), onclick: () => this.#pause() },
          this.#paused ? t("live.paused", { count: missed }) : t("live.pause")),
        store.full ? h("button", { type: "button", class: "button", onclick: () => this.#record() }, t("live.recording")) : null),
      this.#problem ? h("p", { class: "note bad", role: "alert" }, h("app-icon", { name: "alert" }), h("span", null, this.#problem)) : null,
      this.#panels,
      h("p", { class: "hint" }, t("live.masked")),
    ];
  }

  #restart() {
    for (const panel of PANELS) this.#lines[panel].clear();
    this.#load();
  }

  async #load() {
    try {
      const [log, at] = await Promise.all([
        get("api/log", { signal: this.ended }),
        get(`${pathOf(this.modem)}/at`, { signal: this.ended }),
      ]);
      this.#lines.log.begin(log.lines.filter((line) => this.#concerns(line)));
      this.#lines.at.begin(at.lines);
      this.#problem = null;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#problem = failure(error);
    }
    this.redraw();
  }

  #take(panel, line) {
    if (!this.#concerns(line)) return;
    this.#lines[panel].add(line);
    if (this.#paused) this.redraw();
  }

  /** What names no modem is said of the bridge as a whole. */
  #concerns({ modem }) {
    return !modem || modem === this.modem;
  }

  #wantsLog({ level, message, part }) {
    return LEVELS.indexOf(level) >= LEVELS.indexOf(chosen.level) && this.#has(message, part);
  }

  #has(...texts) {
    return !this.#text || texts.some((text) => text?.toLowerCase().includes(this.#text));
  }

  #look(text) {
    this.#text = text.trim().toLowerCase();
    this.#filter();
  }

  #choose(change) {
    Object.assign(chosen, change);
    this.draw();
    this.#filter();
  }

  #filter() {
    for (const panel of PANELS) this.#lines[panel].filter();
  }

  #pause() {
    this.#paused = !this.#paused;
    for (const panel of PANELS) this.#lines[panel].hold(this.#paused);
    this.redraw();
  }

  async #record() {
    try {
      await save(await file(`${pathOf(this.modem)}/recording`), `${this.modem}.recording`);
    } catch (error) {
      toast(failure(error), "bad");
    }
  }
}

function logLine({ time, level, part, message }) {
  return h("li", { class: `log-line ${level}` },
    h("time", { datetime: time }, clock(time)), " ",
    h("span", { class: "log-words" },
      h("span", { class: "log-level" }, has(`live.levels.${level}`) ? t(`live.levels.${level}`) : level), " ",
      h("span", { class: "log-part" }, part), " ",
      h("bdi", { lang: "en" }, visibleText(message))));
}

function atLine({ time, direction, line, words }) {
  const out = direction === ">";
  return h("li", { class: `at-line ${out ? "out" : "in"}` },
    h("time", { datetime: time }, clock(time, { exact: true })), " ",
    h("span", { class: "at-way", title: t(out ? "live.out" : "live.in") },
      h("span", { "aria-hidden": "true" }, out ? "→" : "←"),
      h("span", { class: "hidden-words" }, t(out ? "live.out" : "live.in"))), " ",
    h("bdi", { class: "at-words" }, visibleText(line)), " ",
    words ? h("span", { class: "at-meaning", lang: "en" }, visibleText(words)) : null);
}

customElements.define("view-live", ViewLive);
