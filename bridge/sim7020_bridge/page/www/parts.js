/** Small parts that every view uses: icons, times that go on, questions, notes. */

import { ApiError } from "./api.js";
import { View, h, show, svg } from "./dom.js";
import { ago, dateTime, duration, span, t } from "./i18n.js";
import { apart, now } from "./now.js";
import { store } from "./store.js";

/** Strokes on a field of 24 by 24. */
const ICONS = {
  alert: "M12 4 2.8 20h18.4zM12 10v5M12 17.6v.1",
  back: "M14 6l-6 6 6 6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  gear: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4.5v5h4v-5zM7 14.5v5h4v-5z",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.6v.1",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z",
  search: "M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM16 16l4.5 4.5",
  waiting: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
};

/** `<app-icon name="alert">`: decoration only; the words beside it say the same. */
class AppIcon extends View {
  static observedAttributes = ["name"];

  attributeChangedCallback() {
    this.redraw();
  }

  render() {
    return svg(
      "svg",
      { viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", class: "icon" },
      svg("path", { d: ICONS[this.getAttribute("name")] ?? ICONS.info }),
    );
  }
}

/**
 * `<time-since time="2026-11-23T10:15:00.000Z">`: a time relative to now that keeps up, with the full one as its title.
 * With `lasting`, how long something has lasted since then.
 */
class TimeSince extends View {
  static observedAttributes = ["time", "lasting"];

  attributeChangedCallback() {
    this.redraw();
  }

  start() {
    this.hear(clock, "tick");
  }

  render() {
    const time = this.getAttribute("time");
    if (!time) return null;
    const words = this.hasAttribute("lasting") ? t("shell.lasting", { span: span((now() - new Date(time)) / 1000) }) : ago(time);
    return h("time", { datetime: time, title: dateTime(time) }, words);
  }
}

/** Ticks every ten seconds while somebody looks. */
export const clock = new EventTarget();
setInterval(() => {
  if (!document.hidden) clock.dispatchEvent(new Event("tick"));
}, 10_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) clock.dispatchEvent(new Event("tick"));
});

/** How many seconds the clocks of bridge and browser may be apart before it is worth a word. */
const APART = 120;

/** Says that the stream of events is lost, once it has been for more than a moment, and that a clock is wrong. */
class ConnectionNote extends View {
  #late = false;
  #timer = 0;

  start() {
    this.hear(store, "connection", () => {
      clearTimeout(this.#timer);
      if (store.connection === "lost") this.#timer = setTimeout(() => this.#became(true), 1500);
      else this.#became(false);
    });
    this.hear(clock, "tick");
    this.ended.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  #became(late) {
    this.#late = late;
    this.redraw();
  }

  render() {
    return h(
      "div",
      { role: "status" },
      this.#late ? h("p", { class: "connection-lost" }, h("app-icon", { name: "alert" }), t("shell.connection.lost")) : null,
      apart() > APART ? h("p", { class: "clocks quiet small" }, t("shell.clocks", { span: duration(apart(), 1) })) : null,
    );
  }
}

customElements.define("app-icon", AppIcon);
customElements.define("time-since", TimeSince);
customElements.define("connection-note", ConnectionNote);

/** A word in a pill; `tone` is `good`, `warn`, `bad`, `calm` or nothing. */
export function badge(words, tone = "") {
  return h("span", { class: `badge ${tone}` }, words);
}

/** A share of a whole as a bar; `tone` as for a badge. The words beside it have to say the same. */
export function meter(share, { tone = "", mark = null } = {}) {
  const width = `${Math.round(Math.min(Math.max(share, 0), 1) * 1000) / 10}%`;
  return h(
    "div",
    { class: `meter ${tone}`, "aria-hidden": "true" },
    h("div", { class: "meter-full", style: { width } }),
    mark === null ? null : h("div", { class: "meter-mark", style: { left: `${Math.min(mark, 1) * 100}%` } }),
  );
}

/** A sentence that somebody should see before going on; nothing without one. */
export function warning(words) {
  return words ? h("div", { class: "note warn" }, h("app-icon", { name: "alert" }), h("p", null, words)) : null;
}

/** Rows of a name and what it is; a row without a value is left out. */
export function facts(rows) {
  return h(
    "dl",
    { class: "facts" },
    rows
      .filter((row) => row && row[1] !== null && row[1] !== undefined && row[1] !== "")
      .map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
  );
}

/** What a failure of the API is in words. */
export function failure(error) {
  if (!(error instanceof ApiError)) return t("shell.failed.said", { message: error.message });
  if (error.code === "unreachable") return t("shell.failed.unreachable");
  if (error.status === 403 && error.code === "read_only") return t("shell.failed.forbidden");
  return t("shell.failed.said", { message: error.message });
}

/** Tell for a moment, at the lower edge, what has happened. `tone` as for a badge. */
export function toast(words, tone = "") {
  let place = document.getElementById("toasts");
  if (!place) {
    place = h("div", { id: "toasts", role: "status" });
    document.body.append(place);
  }
  const note = h("p", { class: `toast ${tone}` }, words);
  place.append(note);
  setTimeout(() => note.remove(), 6000);
}

/** A button that copies a text. */
export function copying(text) {
  return h(
    "button",
    {
      class: "button plain icon-only", title: t("shell.copy"), "aria-label": `${t("shell.copy")}: ${text}`,
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(text);
          toast(t("shell.copied"));
        } catch (error) {
          toast(failure(error), "bad");
        }
      },
    },
    h("app-icon", { name: "copy" }),
  );
}

/**
 * Ask a question and wait for the answer: null if it was called off, otherwise the values of the form by name.
 * `body` is what `h` takes as children, fields included; `tone` `bad` is for what hurts.
 */
export function ask({ title, body = [], confirm, tone = "" }) {
  return new Promise((resolve) => {
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "question" }, title),
      h("div", { class: "dialog-body" }, body),
      h(
        "div",
        { class: "dialog-buttons" },
        h("button", { class: "button", type: "button", onclick: () => dialog.close() }, t("shell.cancel")),
        h("button", { class: `button main ${tone}`, value: "yes" }, confirm),
      ),
    );
    const dialog = h("dialog", { "aria-labelledby": "question" }, form);
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? Object.fromEntries(new FormData(form)) : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A labelled input. `attributes` are those of the input; `hint` stands below it. */
export function field(label, attributes, hint = null) {
  return h(
    "label",
    { class: "field" },
    h("span", null, label),
    h("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes }),
    hint ? h("span", { class: "hint" }, hint) : null,
  );
}

/** A labelled choice. `options` are pairs of a value and its words. */
export function choice(label, attributes, options, hint = null) {
  return h(
    "label",
    { class: "field" },
    h("span", null, label),
    h("select", attributes, options.map(([value, words]) => h("option", { value, selected: value === attributes.chosen }, words))),
    hint ? h("span", { class: "hint" }, hint) : null,
  );
}

/** What stands where there is nothing yet. */
export function empty(title, words = null) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), words ? h("p", null, words) : null);
}

/** Bring a container's children up to date; for parts that are no views. */
export { show };
