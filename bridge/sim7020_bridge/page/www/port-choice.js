/** The ports of the bridge's machine, and what answers there. */

import { get, post } from "./api.js";
import { h, View } from "./dom.js";
import { t } from "./i18n.js";
import { badge, empty, failure, field } from "./parts.js";

/** `chosen` is a port, or what somebody typed for one; `onchoose` is called with another. */
class PortChoice extends View {
  #ports = null;
  #problem = null;
  #answers = new Map();
  #chosen = "";

  set chosen(port) {
    this.#chosen = port;
    this.redraw();
  }

  start() {
    this.#load();
  }

  render() {
    const free = this.#free;
    return [
      this.#problem ? h("p", { class: "trouble", role: "alert" }, this.#problem) : null,
      this.#ports === null ? this.#problem ? null : h("p", { class: "quiet" }, t("shell.loading")) : this.#list(),
      h("div", { class: "row" },
        h("button", { type: "button", class: "button", onclick: () => this.#load() }, t("setup.port.again")),
        free.length ? h("button", { type: "button", class: "button", onclick: () => this.#askAll() }, t(free.length === 1 ? "setup.port.ask_free" : "setup.port.ask_all", { count: free.length })) : null),
      h("p", { class: "hint" }, t("setup.port.ask_hint")),
      field(t("setup.port.elsewhere"), {
        name: "port", ".value": this.#isListed(this.#chosen) ? "" : this.#chosen, placeholder: "socket://192.0.2.7:5000",
        oninput: (event) => this.#choose(event.target.value.trim()),
      }, t("setup.port.elsewhere_hint")),
    ];
  }

  #list() {
    if (this.#ports.length === 0) return empty(t("setup.port.none"), t("setup.port.none_hint"));
    return h("div", { class: "ports", role: "radiogroup", "aria-label": t("setup.port.title") }, this.#ports.map((port) => this.#row(port)));
  }

  #row(port) {
    const best = nameOf(port);
    const answer = this.#answers.get(best);
    const open = !port.used_by && port.usable !== false;
    return h("div", { key: port.port, class: `port card ${best === this.#chosen ? "chosen" : ""}` },
      h("label", { class: "port-label" },
        h("input", { type: "radio", name: "listed-port", value: best, disabled: !open, ".checked": best === this.#chosen, onchange: () => this.#choose(best) }),
        h("span", { class: "port-words" },
          h("span", { class: "port-name" }, port.name || port.port),
          h("span", { class: "mono quiet" }, best === port.port ? port.port : `${best} → ${port.port}`))),
      h("div", { class: "port-state", role: "status" }, this.#state(port, answer)),
      open ? h("button", { type: "button", class: "button", disabled: answer === "asking", "aria-label": t("setup.port.ask_one", { port: best }), onclick: () => this.#ask(port) },
        t("setup.port.ask")) : null);
  }

  #state(port, answer) {
    if (port.used_by) return [badge(t("setup.port.used"), "warn"), " ", h("span", { lang: "en", class: "quiet small" }, port.used_by)];
    if (port.usable === false) return [badge(t("setup.port.not_permitted"), "bad"), " ", h("span", { class: "quiet small" }, t("setup.port.not_permitted_hint"))];
    if (answer?.used) return [badge(t("setup.port.used"), "warn"), " ", h("span", { lang: "en", class: "quiet small" }, answer.words)];
    if (answer === "asking") return badge(t("setup.port.asking"), "calm");
    if (!answer) return null;
    return [badge(answer.model ?? t(answer.answers ? "setup.port.answers" : "setup.port.silent"), answer.answers ? "good" : ""), " ",
      answer.answers ? null : h("span", { class: "quiet small", lang: "en" }, answer.words)];
  }

  get #free() {
    return (this.#ports ?? []).filter(({ used_by: user, usable }) => !user && usable !== false);
  }

  #isListed(name) {
    return (this.#ports ?? []).some((port) => nameOf(port) === name || port.port === name);
  }

  #choose(port) {
    this.#chosen = port;
    this.redraw();
    this.onchoose?.(port, this.#answers.get(port) ?? null);
  }

  async #load() {
    try {
      const { ports } = await get("api/ports", { signal: this.ended });
      this.#ports = ports;
      this.#problem = null;
      if (!this.#chosen && this.#free.length === 1) this.#choose(nameOf(this.#free[0]));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#problem = failure(error);
    }
    this.redraw();
  }

  async #askAll() {
    await Promise.all(this.#free.map((port) => this.#ask(port)));
    const found = this.#free.filter((port) => this.#answers.get(nameOf(port))?.answers);
    if (found.length === 1) this.#choose(nameOf(found[0]));
  }

  async #ask(port) {
    const name = nameOf(port);
    this.#answers.set(name, "asking");
    this.redraw();
    try {
      this.#answers.set(name, await post("api/ports/ask", { port: name }, { signal: this.ended }));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#answers.set(name, { answers: false, model: null, words: error.message, used: error.code === "in_use" });
    }
    this.redraw();
  }
}

/** The name to configure: one that stays the same when adapters are plugged in again. */
function nameOf({ by_id: lasting, port }) {
  return lasting ?? port;
}

customElements.define("port-choice", PortChoice);
