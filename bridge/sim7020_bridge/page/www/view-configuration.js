/** The configuration's file: written, checked line by line while it is, and applied. */

import { get, post } from "./api.js";
import { h, View } from "./dom.js";
import { t } from "./i18n.js";
import { LineEditor } from "./line-editor.js";
import { lineDiff } from "./line-diff.js";
import { ask, failure, toast } from "./parts.js";
import { store } from "./store.js";
import "./secret-forms.js";

const TYPING = 400;

/** What somebody wrote and did not apply, while other views are shown; not kept anywhere else, for it may have secrets. */
let draft = null;
addEventListener("reloading", (event) => {
  if (draft) event.preventDefault();
});

class ViewConfiguration extends View {
  #file = null;
  #editor = null;
  #found = null;
  #checking = null;
  #typing = 0;
  #problem = null;
  #other = null;
  #busy = false;
  #resumed = false;

  start() {
    this.hear(store, "restart_needed", () => this.#reread());
    this.hear(store, "restart", () => this.#reread());
    this.hear(window, "beforeunload", (event) => {
      if (this.#changed) event.preventDefault();
    });
    this.ended.addEventListener("abort", () => this.#leave());
    this.#load();
  }

  get #changed() {
    return this.#editor !== null && this.#editor.text !== this.#file.text;
  }

  #leave() {
    clearTimeout(this.#typing);
    this.#checking?.abort();
    draft = this.#changed ? { text: this.#editor.text, file: this.#file } : null;
  }

  render() {
    return [
      h("h1", { tabindex: "-1" }, t("configuration.title")),
      this.#problem ? note("bad", "alert", this.#problem) : null,
      this.#file ? this.#sheet() : this.#problem ? null : h("p", { class: "quiet" }, t("shell.loading")),
    ];
  }

  #sheet() {
    const { path, writable, problem, secrets, secret_files } = this.#file;
    return [
      h("p", { class: "configuration-path" }, h("span", { class: "mono" }, path)),
      writable ? null : note("warn", "info", t("configuration.read_only"), problem ? h("p", { lang: "en" }, problem) : ""),
      secrets?.length ? note("", "info", t("configuration.secrets", { keys: secrets.join(", ") })) : null,
      this.#resumed ? note("", "info", t("configuration.resumed")) : null,
      store.restartKeys.length ? note("warn", "waiting", t("configuration.restart_now"), keys(store.restartKeys)) : null,
      this.#other ? this.#conflict() : null,
      this.#editor,
      h("div", { class: "configuration-foot", id: "configuration-foot" },
        h("div", { class: "configuration-verdict" },
          h("p", { role: "status", class: this.#mistakes.length ? "trouble" : "quiet" }, this.#verdict()),
          this.#mistakes.length ? this.#list() : this.#effects()),
        writable ? this.#buttons() : null),
      h("secret-forms", { ".files": secret_files ?? [] }),
    ];
  }

  get #mistakes() {
    return this.#found?.mistakes ?? [];
  }

  #verdict() {
    if (this.#found === null) return t("configuration.checking");
    if (this.#mistakes.length) return t("configuration.mistakes", { count: this.#mistakes.length });
    return this.#changed ? t("configuration.right") : t("configuration.unchanged");
  }

  #list() {
    return h("ol", { class: "configuration-mistakes" }, this.#mistakes.map(({ line, key, message }, at) =>
      h("li", { key: at },
        line === null ? null : h("button", { type: "button", class: "button plain", onclick: () => this.#editor.goTo(line) }, t("configuration.line", { line })),
        h("span", { lang: "en" }, key ? h("span", { class: "mono" }, key) : null, key ? ": " : null, message))));
  }

  #effects() {
    const { restart = [], reload = [] } = this.#found ?? {};
    return [
      reload.length ? h("p", { key: "reload", class: "small" }, t("configuration.at_once"), " ", keys(reload)) : null,
      restart.length ? h("p", { key: "restart", class: "small" }, t("configuration.after_restart"), " ", keys(restart)) : null,
    ];
  }

  #buttons() {
    const idle = !this.#changed || this.#busy;
    return h("div", { class: "row" },
      this.#changed
        ? h("button", { key: "discard", type: "button", class: "button", disabled: this.#busy, onclick: () => this.#discard() }, t("configuration.discard"))
        : null,
      h("button", { key: "apply", type: "button", class: "button main", disabled: idle || this.#found === null || this.#mistakes.length > 0, onclick: () => this.#apply() },
        t("configuration.apply")));
  }

  #conflict() {
    return h("div", { class: "note warn", id: "configuration-conflict", role: "alert", tabindex: "-1" }, h("app-icon", { name: "alert" }),
      h("p", { class: "note-title" }, t("configuration.conflict")),
      h("p", null, t("configuration.conflict_words")),
      diff(this.#file.text, this.#other.text),
      h("div", { class: "row" },
        h("button", { type: "button", class: "button", onclick: () => this.#takeTheirs() }, t("configuration.take_theirs")),
        h("button", { type: "button", class: "button", onclick: () => this.#keepMine() }, t("configuration.keep_mine"))));
  }

  /** The file as the bridge has it, with line ends as browsers have them. */
  async #read() {
    const file = await get("api/configuration", { signal: this.ended });
    return { ...file, text: file.text.replace(/\r\n?/g, "\n") };
  }

  async #load() {
    try {
      const file = await this.#read();
      const kept = draft;
      draft = null;
      this.#file = kept?.file ?? file;
      this.#resumed = kept !== null;
      if (kept && kept.file.version !== file.version) this.#other = file;
      this.#edit(kept?.text ?? file.text);
      await this.#check();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#problem = failure(error);
    }
    this.redraw();
  }

  /** The bridge has read the file again: somebody may have written it meanwhile. */
  async #reread() {
    this.redraw();
    if (this.#busy || !this.#editor) return;
    const file = await this.#read().catch(() => null);
    if (!file || this.#busy) return;
    if (file.version !== this.#file.version && this.#changed) this.#other = file;
    else if (file.version !== this.#file.version) {
      this.#file = file;
      this.#editor.text = file.text;
    }
    await this.#check();
  }

  #edit(text) {
    this.#editor = new LineEditor({
      label: t("configuration.text"), describedBy: "configuration-foot", readonly: !this.#file.writable, text,
      changed: () => this.#type(),
    });
    this.draw();
  }

  #type() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#check(), TYPING);
    this.redraw();
  }

  async #check() {
    clearTimeout(this.#typing);
    this.#checking?.abort();
    const checking = new AbortController();
    this.#checking = checking;
    try {
      this.#tell(await post("api/configuration/check", { text: this.#editor.text }, { signal: checking.signal }));
      this.#problem = null;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#problem = failure(error);
    }
    this.redraw();
  }

  #tell(found) {
    this.#found = found;
    this.#editor.marks = found.mistakes;
  }

  async #discard() {
    if (!(await ask({ title: t("configuration.discard_ask"), confirm: t("configuration.discard"), tone: "bad" }))) return;
    this.#resumed = false;
    this.#other = null;
    this.#editor.text = this.#file.text;
    this.#check();
  }

  #takeTheirs() {
    this.#file = this.#other;
    this.#other = null;
    this.#resumed = false;
    this.#editor.text = this.#file.text;
    this.#check();
  }

  #keepMine() {
    this.#file = this.#other;
    this.#other = null;
    this.redraw();
    this.#apply();
  }

  async #apply() {
    await this.#check();
    if (this.#mistakes.length > 0 || !this.#changed) return;
    const body = [h("p", null, t("configuration.apply_words")), diff(this.#file.text, this.#editor.text), this.#effects()];
    if (!(await ask({ title: t("configuration.apply_ask"), body, confirm: t("configuration.apply") }))) return;
    this.#busy = true;
    this.redraw();
    const { text } = this.#editor;
    try {
      const { version, restart } = await post("api/configuration/apply", { text, version: this.#file.version }, { signal: this.ended });
      this.#file = { ...this.#file, text, version };
      this.#resumed = false;
      this.#problem = null;
      toast(t(restart.length ? "configuration.applied_restart" : "configuration.applied"), restart.length ? "warn" : "good");
      this.#check();
    } catch (error) {
      if (error.name === "AbortError") return;
      await this.#refused(error);
    }
    this.#busy = false;
    this.draw();
    // It stands above a text that may be long, and the button below.
    if (this.#other) document.getElementById("configuration-conflict").focus();
  }

  async #refused(error) {
    const { code, document } = error;
    if (code === "changed_meanwhile") {
      this.#other = await this.#read();
      return;
    }
    if (document?.mistakes) this.#tell({ restart: [], reload: [], mistakes: document.mistakes });
    if (code === "not_in_force") {
      this.#file = await this.#read();
      this.#problem = t("configuration.not_in_force");
    } else if (!document?.mistakes) {
      this.#problem = failure(error);
    }
  }

}

function note(tone, icon, ...words) {
  return h("div", { class: `note ${tone}` }, h("app-icon", { name: icon }), words.map((part) => (typeof part === "string" ? h("p", null, part) : part)));
}

function keys(list) {
  return h("span", { class: "mono", lang: "en" }, list.join(", "));
}

function diff(before, after) {
  return h("pre", { class: "words difference", tabindex: "0", role: "region", "aria-label": t("configuration.difference") },
    lineDiff(before, after).map(({ kind, line }) =>
      h("span", { class: `difference-line ${{ "+": "fresh", "-": "gone" }[kind] ?? ""}` }, `${kind} ${line}\n`)));
}

customElements.define("view-configuration", ViewConfiguration);
