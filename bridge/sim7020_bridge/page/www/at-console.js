/** `<at-console modem="shed">`: AT commands that the configuration allows, and what each line of the answer means. */

import { get, pathOf, request } from "./api.js";
import { View, h } from "./dom.js";
import { shortTime, t } from "./i18n.js";
import { now } from "./now.js";
import { failure } from "./parts.js";
import { refusal } from "./refusal.js";

/** The dialogue with each modem, for as long as the page is open. */
const dialogues = new Map();
const LONGEST = 100;
/** What is said of a line whose command is not among what is kept; here it stands above. */
const ASKED_HERE = " (the log shows no command for it)";

class AtConsole extends View {
  #busy = false;
  #back = 0;

  get #modem() {
    return this.getAttribute("modem");
  }

  get #dialogue() {
    if (!dialogues.has(this.#modem)) dialogues.set(this.#modem, []);
    return dialogues.get(this.#modem);
  }

  render() {
    return [
      h("p", { class: "quiet small" }, t("actions.at.words"), " ", h("code", null, "allow_at")),
      h(
        "div",
        { class: "at-dialogue", role: "log", tabindex: "0", "aria-label": t("actions.at.dialogue") },
        this.#dialogue.map((entry) => exchange(entry)),
      ),
      h(
        "form",
        { class: "at-form", onsubmit: (event) => this.#send(event) },
        h("input", {
          type: "text", name: "command", class: "mono", placeholder: "AT+CSQ", "aria-label": t("actions.at.command"), required: true, maxlength: 255,
          autocomplete: "off", autocapitalize: "off", spellcheck: "false", onkeydown: (event) => this.#key(event),
        }),
        h("button", { class: "button main", "aria-disabled": this.#busy ? "true" : null }, this.#busy ? t("actions.at.busy") : t("actions.at.send")),
      ),
    ];
  }

  async #send(event) {
    event.preventDefault();
    const input = event.target.elements.command;
    const command = input.value.trim();
    if (this.#busy || !command) return;
    this.#busy = true;
    this.#back = 0;
    const entry = { command, at: now(), lines: [], error: null };
    this.#dialogue.push(entry);
    if (this.#dialogue.length > LONGEST) this.#dialogue.shift();
    input.value = "";
    this.redraw();
    try {
      const response = await request(this.#modem, "at", { command });
      if (response.status === "ok") entry.lines = await this.#explained(command, response.data.lines);
      else entry.error = response.error;
    } catch (error) {
      entry.error = { code: "", message: failure(error) };
    }
    entry.done = true;
    this.#busy = false;
    this.draw();
    this.querySelector(".at-dialogue").scrollTop = this.querySelector(".at-dialogue").scrollHeight;
  }

  /** Lines with their words: those that the bridge has for the same lines in what it keeps of the dialogue. */
  async #explained(command, lines) {
    const words = new Map();
    try {
      const kept = (await get(`${pathOf(this.#modem)}/at`)).lines;
      const from = kept.findLastIndex(({ direction, line }) => direction === ">" && line.trim() === command);
      for (const { line, words: meaning } of kept.slice(Math.max(from, 0))) if (meaning) words.set(line.trim(), meaning.replace(ASKED_HERE, ""));
    } catch {
      // The answer is shown without explanations.
    }
    return lines.map((line) => ({ line, words: words.get(line.trim()) ?? null }));
  }

  #key(event) {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const before = this.#dialogue.map(({ command }) => command);
    this.#back = Math.min(Math.max(this.#back + (event.key === "ArrowUp" ? 1 : -1), 0), before.length);
    event.preventDefault();
    event.target.value = this.#back ? before[before.length - this.#back] : "";
  }
}

function exchange({ command, at, lines, error, done }) {
  return h(
    "div",
    { class: "at-exchange", key: `${at} ${command}` },
    h("p", { class: "at-command mono" }, h("span", { class: "quiet" }, `${shortTime(at)} `), command),
    lines.map(({ line, words }, n) => h("p", { class: "at-line", key: n }, h("span", { class: "mono" }, line), words ? h("span", { class: "quiet small", lang: "en" }, words) : null)),
    done && !error && !lines.length ? h("p", { class: "quiet small" }, t("actions.at.ok")) : null,
    error ? h("p", { class: "at-error" }, refusal(error)) : null,
  );
}

customElements.define("at-console", AtConsole);
