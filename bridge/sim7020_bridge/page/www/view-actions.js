/** What can be done to a modem: each action with what it costs, and what became of it. */

import { ACTIONS } from "./actions.js";
import { request } from "./api.js";
import "./at-console.js";
import { View, h } from "./dom.js";
import { duration, t } from "./i18n.js";
import { alertNotes, restartNote } from "./modems.js";
import { now } from "./now.js";
import { ask, badge, failure } from "./parts.js";
import { refusal } from "./refusal.js";
import { store } from "./store.js";

const COSTS = { data: "warn", line: "warn", attach: "bad" };
const GROUPS = ["look", "connection", "power", "data"];

/** What became of each action, by modem, for as long as the page is open. */
const done = new Map();

class ViewActions extends View {
  start() {
    this.hear(store, "change");
    const timer = setInterval(() => [...this.#results.values()].some(({ busy }) => busy) && this.redraw(), 1000);
    this.ended.addEventListener("abort", () => clearInterval(timer));
  }

  get #modem() {
    return store.modem(this.getAttribute("modem"));
  }

  get #results() {
    const { name } = this.#modem;
    if (!done.has(name)) done.set(name, new Map());
    return done.get(name);
  }

  render() {
    const { info, name } = this.#modem;
    const verbs = new Set(info?.requests);
    if (!info) return h("p", { class: "quiet" }, t("actions.nothing"));
    return h(
      "div",
      { class: "stack" },
      restartNote(store.restartKeysOf(this.#modem.name)),
      alertNotes(this.#modem),
      GROUPS.map((group) => {
        const actions = ACTIONS.filter((action) => action.group === group && verbs.has(action.verb));
        return actions.length ? this.#group(group, actions) : null;
      }),
      verbs.has("at")
        ? h("section", { class: "card", key: "at", "aria-labelledby": "group-at" }, h("h2", { id: "group-at" }, t("actions.at.title")), h("at-console", { modem: name }))
        : h("p", { class: "quiet small", key: "no-at" }, t("actions.at.not_allowed"), " ", h("code", null, "allow_at")),
    );
  }

  #group(group, actions) {
    return h(
      "section",
      { class: "card actions", key: group, "aria-labelledby": `group-${group}` },
      h("h2", { id: `group-${group}` }, t(`actions.groups.${group}`)),
      h("ul", { class: "action-list" }, actions.map((action) => this.#row(action))),
    );
  }

  #row(action) {
    const { verb, costs } = action;
    const result = this.#results.get(verb);
    return h(
      "li",
      { class: "action", key: verb },
      h(
        "div",
        { class: "action-words" },
        h("h3", { id: `action-${verb}` }, t(`actions.${verb}.title`)),
        h("p", { class: "quiet small", id: `about-${verb}` }, t(`actions.${verb}.words`)),
        costs ? h("p", null, badge(t(`actions.costs.${costs}`), COSTS[costs])) : null,
      ),
      h(
        "button",
        { class: "button", "aria-disabled": result?.busy ? "true" : null, "aria-describedby": `about-${verb}`, onclick: () => this.#do(action) },
        t(`actions.${verb}.button`),
      ),
      h("div", { class: "action-result", role: "status" }, result ? outcome(action, result, this.#modem) : null),
    );
  }

  async #do(action) {
    const { verb } = action;
    if (this.#results.get(verb)?.busy) return;
    const values = action.asks ? await this.#question(action) : {};
    if (values === null) return;
    const results = this.#results;
    results.set(verb, { busy: true, since: now() });
    this.redraw();
    try {
      const response = await request(this.#modem.name, verb, action.body?.(values) ?? {});
      results.set(verb, { at: now(), response });
    } catch (error) {
      results.set(verb, { at: now(), error });
    }
    this.redraw();
  }

  #question({ verb, costs, fields }) {
    const priced = t(`actions.${verb}.asks`);
    return ask({
      title: t(`actions.${verb}.question`, { modem: this.#modem.name }),
      body: [h("p", null, priced), fields?.(this.#modem) ?? null],
      confirm: t(`actions.${verb}.button`),
      tone: costs === "attach" || costs === "line" ? "bad" : "",
    });
  }
}

function outcome(action, { busy, since, at, response, error }, modem) {
  if (busy) {
    const seconds = Math.floor((now() - since) / 1000);
    return h("p", { class: "quiet" }, t(action.slow ? "actions.working_long" : "actions.working"), seconds > 2 ? h("span", { "aria-hidden": "true" }, ` ${duration(seconds)}`) : null);
  }
  const when = h("p", { class: "small" }, h("time-since", { time: new Date(at).toISOString() }));
  if (error) return note("bad", t("actions.failed"), [h("p", null, failure(error)), when]);
  if (response.status !== "ok") return note("bad", t("actions.failed"), [h("p", null, refusal(response.error)), when]);
  const { warning } = response.data ?? {};
  const well = !warning && (action.well?.(response.data) ?? true);
  return note(well ? "good" : "warn", t(`actions.${action.verb}.done`), [
    action.told?.(response.data, modem),
    warning ? h("p", { lang: "en" }, warning) : null,
    when,
  ]);
}

function note(tone, title, content) {
  return h("div", { class: `note ${tone}` }, h("app-icon", { name: tone === "good" ? "check" : "alert" }), h("p", { class: "note-title" }, title), content);
}

customElements.define("view-actions", ViewActions);
