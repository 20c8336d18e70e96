/** Messages of a modem, newest first: looked through, opened, cancelled, sent by hand. */

import { get, pathOf } from "./api.js";
import { h, show, View } from "./dom.js";
import { t } from "./i18n.js";
import { MessageDialog } from "./message-dialog.js";
import { filterOfHash, keepFilter, matches } from "./message-filter.js";
import { messageRow } from "./message-row.js";
import { STATES, stateWords, UNDELIVERED } from "./message-words.js";
import { choice, empty, failure, field } from "./parts.js";
import { SendDialog } from "./send-dialog.js";
import { store } from "./store.js";

const PAGE = 50;
const KEPT = 500;
const TYPING = 300;
/** Milliseconds after which a pointer that rests is nobody's hand. */
const HAND = 2000;
const COLUMNS = ["time", "direction", "socket", "topic", "payload", "state"];

class ViewMessages extends View {
  #filter = filterOfHash();
  /** Newest first, as shown. */
  #messages = [];
  /** New ones that are not shown yet because they would move what somebody reads. */
  #fresh = new Map();
  #more = false;
  #problem = null;
  #loaded = false;
  #loading = null;
  /** What came while messages were loaded, which may not have it yet. */
  #heard = new Map();
  #typing = 0;
  #dialog = null;
  #sending = null;
  /** Ids of what was sent from here: whoever sent it waits for it. */
  #mine = new Set();
  #resting = 0;
  #body = h("tbody", {
    role: "rowgroup", onpointermove: () => this.#move(), onpointerleave: () => this.#settle(),
    onfocusout: () => setTimeout(() => this.#settle()),
  });
  /** The roles are said because a table that is laid out as cards on a phone would lose them. */
  #table = h("table", { class: "messages card", role: "table", "aria-label": t("messages.title") },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, COLUMNS.map((column) =>
      h("th", { scope: "col", role: "columnheader" },
        h("span", { class: column === "direction" ? "hidden-words" : null }, t(`messages.column.${column}`)))))),
    this.#body);

  start() {
    this.modem = this.getAttribute("modem");
    this.hear(store, "message", ({ detail }) => this.#take(detail));
    this.hear(store, "restart", () => this.#load());
    this.hear(store, "back", () => this.#problem && this.#load());
    this.hear(store, "change");
    this.hear(window, "scroll", () => this.#settle());
    this.ended.addEventListener("abort", () => this.#leave());
    this.#load();
  }

  render() {
    return [
      h("h2", { class: "hidden-words" }, t("messages.title")),
      h("div", { class: "messages-tools" },
        this.#choice("socket", [["", t("messages.any_socket")], ...this.#sockets().map((name) => [name, name])]),
        this.#choice("state", [["", t("messages.any_state")], [UNDELIVERED, t("messages.undelivered")], ...STATES.map((state) => [state, stateWords(state)])]),
        field(t("messages.text"), {
          type: "search", ".value": this.#filter.text, oninput: (event) => this.#type(event.target.value),
        }),
        store.full
          ? h("button", { type: "button", class: "button main send-button", onclick: () => this.#send() }, t("messages.send"))
          : null),
      h("div", { class: "messages-news", role: "status" }, this.#fresh.size > 0
        ? h("button", { type: "button", class: "button main", onclick: () => this.#showFresh() }, t("messages.news", { count: this.#fresh.size }))
        : null),
      this.#list(),
      h("div", { class: "messages-tail", role: "status" }, this.#tail()),
      this.#more
        ? h("button", { type: "button", class: "button", onclick: () => this.#loadOlder() }, t("messages.older"))
        : null,
      this.#dialog,
      this.#sending,
    ];
  }

  #list() {
    show(this.#body, this.#messages.map((message) => this.#row(message)));
    return this.#messages.length > 0 ? this.#table : null;
  }

  /** The row that is there as long as its message is the same: most of hundreds are, at each drawing. */
  #row(message) {
    const drawn = this.#rowOf(message.n);
    return drawn?.message === message ? drawn : messageRow(message, () => this.#open(message.n));
  }

  #rowOf(n) {
    return this.#body.querySelector(`tr[data-n="${n}"]`);
  }

  #choice(key, options) {
    const chosen = this.#filter[key];
    return choice(t(`messages.${key}`), { chosen, onchange: (event) => this.#look({ [key]: event.target.value }) }, options);
  }

  /** Sockets that the modem has, and the one that is looked for even if it is gone. */
  #sockets() {
    const names = (store.modem(this.modem).info?.sockets ?? []).map(({ name }) => name);
    const { socket } = this.#filter;
    return socket && !names.includes(socket) ? [...names, socket] : names;
  }

  #tail() {
    if (this.#problem) return h("p", { class: "trouble" }, this.#problem);
    if (!this.#loaded) return h("p", { class: "quiet" }, t("shell.loading"));
    if (this.#messages.length > 0) return null;
    return Object.values(this.#filter).some(Boolean) ? empty(t("messages.none_found")) : empty(t("messages.none"), t("messages.none_hint"));
  }

  #type(text) {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#look({ text: text.trim() }), TYPING);
  }

  #look(change) {
    this.#filter = { ...this.#filter, ...change };
    keepFilter(this.#filter);
    this.#load();
  }

  #leave() {
    clearTimeout(this.#typing);
    clearTimeout(this.#resting);
    this.#loading?.abort();
  }

  async #load() {
    this.#heard.clear();
    const found = await this.#fetch({});
    if (!found) return;
    const newest = found.messages[0]?.n ?? -1;
    const since = [...this.#heard.values()].filter((message) => message.n > newest && matches(message, this.#filter));
    this.#fresh.clear();
    this.#messages = [...since.sort(newestFirst), ...found.messages.map((message) => this.#heard.get(message.n) ?? message)];
    this.#more = found.more;
    this.redraw();
  }

  async #loadOlder() {
    const before = this.#messages.at(-1).n;
    const found = await this.#fetch({ before });
    if (!found) return;
    this.#messages = [...this.#messages, ...found.messages.filter(({ n }) => n < before)];
    this.#more = found.more;
    this.draw();
    this.#buttonOf(found.messages[0]?.n)?.focus();
  }

  async #fetch(where) {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    const query = new URLSearchParams({ limit: PAGE, ...where });
    for (const [key, value] of Object.entries(this.#filter)) if (value) query.set(key, value);
    try {
      const found = await get(`${pathOf(this.modem)}/messages?${query}`, { signal: loading.signal });
      this.#loading = null;
      this.#problem = null;
      this.#loaded = true;
      return found;
    } catch (error) {
      if (error.name === "AbortError") return null;
      this.#loading = null;
      this.#problem = failure(error);
      this.redraw();
      return null;
    }
  }

  /** Take what has just happened: a change goes into its row, a new message on top where it moves nothing that is read. */
  #take(message) {
    if (message.modem !== this.modem) return;
    if (this.#loading) this.#heard.set(message.n, message);
    const place = this.#messages.findIndex(({ n }) => n === message.n);
    if (place >= 0) this.#messages = this.#messages.with(place, message);
    else if (this.#fresh.has(message.n) || this.#isNew(message)) this.#keep(message);
    this.#dialog?.take(message);
    this.#settle();
    this.redraw();
  }

  /** Of more than are ever shown at once the oldest are given up; they are loaded anew where somebody scrolls to them. */
  #keep(message) {
    this.#fresh.set(message.n, message);
    if (this.#fresh.size > KEPT) this.#fresh.delete(Math.min(...this.#fresh.keys()));
  }

  #isNew(message) {
    return message.n > (this.#messages[0]?.n ?? -1) && matches(message, this.#filter);
  }

  /** Show new messages once nobody reads further down, moves a pointer over a row, or has chosen a row or text. */
  #settle() {
    if (this.#fresh.size === 0 || this.#isRead()) return;
    this.#mergeFresh();
    this.redraw();
  }

  #isRead() {
    if (!this.#table.isConnected || [...this.#fresh.values()].some(({ id }) => this.#mine.has(id))) return false;
    const pointed = this.#body.matches(":hover") && this.#resting !== 0;
    return pointed || this.#body.matches(":focus-within") || this.#body.getBoundingClientRect().top < 0 || this.#dialog !== null
      || !(getSelection()?.isCollapsed ?? true);
  }

  #move() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      this.#resting = 0;
      this.#settle();
    }, HAND);
  }

  #mergeFresh() {
    const fresh = [...this.#fresh.values()].sort(newestFirst);
    this.#fresh.clear();
    this.#messages = [...fresh, ...this.#messages];
    if (this.#messages.splice(KEPT).length > 0) this.#more = true;
  }

  #showFresh() {
    this.#mergeFresh();
    this.draw();
    this.scrollIntoView({ block: "start" });
    this.#buttonOf(this.#messages[0].n)?.focus({ preventScroll: true });
  }

  #buttonOf(n) {
    return this.#rowOf(n)?.querySelector("button");
  }

  #open(n) {
    this.#dialog = new MessageDialog(this.#messages.find((each) => each.n === n), (id) => {
      this.#dialog = null;
      if (id) this.#mine.add(id);
      this.#buttonOf(n)?.focus({ preventScroll: true });
      this.#settle();
      this.redraw();
    });
    this.redraw();
  }

  #send() {
    this.#sending = new SendDialog(this.modem, this.#filter.socket, (id) => {
      this.#sending = null;
      if (id) this.#mine.add(id);
      this.#settle();
      this.querySelector(".send-button").focus();
      this.redraw();
    });
    this.redraw();
  }
}

function newestFirst(one, other) {
  return other.n - one.n;
}

customElements.define("view-messages", ViewMessages);
