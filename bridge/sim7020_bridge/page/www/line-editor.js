/** A text with numbers at its lines, and beside each line what is wrong with it. The page scrolls, not the editor. */

import { h, show, View } from "./dom.js";

const FEWEST = 12;

export class LineEditor extends View {
  #marks = [];
  #numbers = h("div", { class: "editor-numbers" });
  #notes = h("div", { class: "editor-notes" });
  #area;
  #sheet;

  /** `label` names the text, `describedBy` what explains it; `changed` is called with the text that somebody typed. */
  constructor({ label, describedBy, readonly, text, changed }) {
    super();
    this.#area = h("textarea", {
      class: "editor-area", wrap: "off", spellcheck: "false", autocomplete: "off", autocapitalize: "off",
      "aria-label": label, "aria-describedby": describedBy, readonly, ".value": text,
      oninput: () => {
        this.draw();
        changed(this.text);
      },
      onkeydown: (event) => this.#indent(event),
      onscroll: () => this.#aside(),
    });
    this.#sheet = h("div", { class: "editor" },
      h("div", { class: "editor-gutter", "aria-hidden": "true" }, this.#numbers),
      h("div", { class: "editor-body" }, h("div", { class: "editor-under", "aria-hidden": "true" }, this.#notes), this.#area));
  }

  render() {
    const lines = this.text.split("\n");
    this.#area.rows = Math.max(FEWEST, lines.length);
    const wrong = new Set(this.#marks.map(({ line }) => line));
    show(this.#numbers, lines.map((_, at) =>
      h("div", { class: `editor-number ${wrong.has(at + 1) ? "bad" : ""}` }, at + 1)));
    show(this.#notes, [...wrong].map((line) => h("div", { key: line, class: "editor-note", style: { top: `${line - 1}lh` } },
      h("span", { class: "editor-before" }, lines[line - 1] ?? ""),
      h("span", { class: "editor-message" }, this.#marks.filter((mark) => mark.line === line).map(({ message }) => message).join("; ")))));
    return this.#sheet;
  }

  get text() {
    return this.#area.value;
  }

  set text(text) {
    this.#area.value = text;
    this.draw();
  }

  /** What is wrong: `line` from 1 on, and `message`. */
  set marks(marks) {
    this.#marks = marks.filter(({ line }) => line !== null);
    if (marks.length > 0) this.#area.setAttribute("aria-invalid", "true");
    else this.#area.removeAttribute("aria-invalid");
    this.draw();
  }

  /** Bring somebody to a line. */
  goTo(line) {
    const lines = this.text.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0);
    this.#area.focus({ preventScroll: true });
    this.#area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
    this.#area.scrollLeft = 0;
    this.#numbers.children[line - 1]?.scrollIntoView({ block: "center" });
  }

  #aside() {
    this.#notes.style.setProperty("transform", `translateX(${-this.#area.scrollLeft}px)`);
  }

  /** Begin a line below where the one above begins. Tab is left alone: it leads on, as everywhere. */
  #indent(event) {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || event.isComposing || this.#area.readOnly) return;
    const before = this.text.slice(0, this.#area.selectionStart).split("\n").at(-1);
    const indent = /^ */.exec(before)[0] + (/:\s*$/.test(before) ? "  " : "");
    if (!indent) return;
    event.preventDefault();
    // The only way to insert that can be undone with Ctrl+Z.
    document.execCommand("insertText", false, `\n${indent}`);
  }
}

customElements.define("line-editor", LineEditor);
