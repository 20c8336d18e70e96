/** All of one message: its payload in each way it can be read, every step, and what can still be done about it. */

import { get, pathOf, request } from "./api.js";
import { h, View } from "./dom.js";
import { holding } from "./held.js";
import { dateTime, t } from "./i18n.js";
import { cancelled, direction, readings, stateBadge, steps, topicWords } from "./message-words.js";
import { facts, warning } from "./parts.js";
import { cost, oneLine } from "./payload.js";
import { refusal } from "./refusal.js";
import { segments } from "./segments.js";
import { store } from "./store.js";

export class MessageDialog extends View {
  #message;
  #closed;
  #whole = false;
  #way = null;
  /** Its payload in each way, and what these were made of: a drawing need not make them anew. */
  #ways = [];
  #read = {};
  #asking = false;
  #busy = false;
  #said = null;
  #sent = null;

  /** Show a message until somebody closes it; then `closed` is called, with the id of what was sent again if it was. */
  constructor(message, closed) {
    super();
    this.#message = message;
    this.#closed = closed;
  }

  start() {
    this.draw();
    this.querySelector("dialog").showModal();
    this.hear(store, "change");
    this.#load();
  }

  /** Take news of any message: they count if it is this one. */
  take(message) {
    const { n, hex, text, cut } = this.#message;
    if (message.n !== n) return;
    this.#message = this.#whole ? { ...message, hex, text, cut } : message;
    this.redraw();
  }

  async #load() {
    const { modem, n } = this.#message;
    try {
      this.#message = await get(`${pathOf(modem)}/messages/${n}`, { signal: this.ended });
      this.#whole = true;
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#tell(error);
    }
    this.redraw();
  }

  render() {
    const message = this.#message;
    return h("dialog", { class: "message-dialog", "aria-labelledby": "message-title", onclose: () => this.#closed(this.#sent) },
      h("h2", { id: "message-title" }, direction(message), " ",
        t(`messages.title_${message.direction}`, { socket: message.socket })),
      h("div", { class: "dialog-body" },
        message.error && !cancelled(message)
          ? h("div", { class: "note bad" }, h("app-icon", { name: "alert" }), h("p", null, refusal(message.error, { both: true }))) : null,
        message.direction === "up" && ["queued", "sending"].includes(message.state) ? this.#held() : null,
        this.#payload(),
        this.#facts(),
        h("h3", null, t("messages.steps")),
        steps(message),
        h("p", { class: "said", role: "status" }, this.#said),
        this.#asking ? [h("p", { id: "message-ask" }, this.#question()), this.#held()] : null),
      this.#asking ? this.#confirmation() : this.#buttons());
  }

  #facts() {
    const { id, topic, at, bytes, attempts, key, priority, expires } = this.#message;
    return facts([
      [t("messages.state"), stateBadge(this.#message)],
      [t("messages.time"), h("time", { datetime: at }, dateTime(at))],
      [t("messages.topic"), topic === null ? null : h("span", { class: "mono whole-topic" }, topicWords(topic))],
      [t("messages.size"), bytes === null ? null : t("messages.bytes", { count: bytes })],
      [t("messages.attempts"), attempts || null],
      [t("messages.priority"), priority ? t(`messages.priorities.${priority}`) : null],
      [t("messages.key"), key ? h("bdi", { class: "mono" }, oneLine(key)) : null],
      [t("messages.expires"), expires ? h("time", { datetime: expires }, dateTime(expires)) : null],
      [t("messages.id"), id ? h("bdi", { class: "mono" }, oneLine(id)) : null],
    ]);
  }

  #readings() {
    const { text, hex, cut } = this.#message;
    if (text !== this.#read.text || hex !== this.#read.hex || cut !== this.#read.cut) {
      this.#read = { text, hex, cut };
      this.#ways = readings(this.#message);
    }
    return this.#ways;
  }

  #payload() {
    const ways = this.#readings();
    if (ways.length === 0) return null;
    const [way, text] = ways.find(([key]) => key === this.#way) ?? ways[0];
    return [
      ways.length === 1 ? h("h3", null, t(`messages.way.${way}`)) : segments(t("messages.payload"), "message-way", ways.map(([key]) => [key, t(`messages.way.${key}`)]), way, (chosen) => {
        this.#way = chosen;
        this.redraw();
      }),
      h("pre", { class: `whole ${way}`, tabindex: "0", role: "region", "aria-label": t("messages.payload"), dir: way === "hex" ? "ltr" : "auto" }, text),
      this.#message.cut ? h("p", { class: "quiet" }, t("messages.cut")) : null,
    ];
  }

  #buttons() {
    const message = this.#message;
    const mine = store.full && message.direction === "up";
    return h("div", { class: "dialog-buttons" },
      mine && message.state === "queued" ? this.#button("messages.cancel", () => this.#cancel(), "bad") : null,
      mine && this.#canGoAgain() ? this.#button("messages.again", () => this.#ask(true)) : null,
      this.#button("shell.close", () => this.querySelector("dialog").close()));
  }

  #canGoAgain() {
    const { cut, bytes, hex } = this.#message;
    return this.#whole && !cut && bytes > 0 && hex.length === bytes * 2;
  }

  #question() {
    const { modem, bytes, socket } = this.#message;
    const protocol = store.modem(modem).info?.sockets.find(({ name }) => name === socket)?.protocol;
    return t("messages.again_ask", { socket, count: cost(protocol, bytes) });
  }

  #held() {
    return warning(holding(store.modem(this.#message.modem), this.#message));
  }

  #confirmation() {
    return h("div", { class: "dialog-buttons" },
      this.#button("shell.cancel", () => this.#ask(false)),
      this.#button("messages.again_yes", () => this.#again(), "main", "message-ask"));
  }

  #button(key, onclick, kind = "", describedBy = null) {
    return h("button", {
      key, type: "button", class: `button ${kind}`, disabled: this.#busy, "aria-describedby": describedBy, onclick,
    }, t(key));
  }

  #ask(asking) {
    this.#asking = asking;
    this.#said = null;
    this.draw();
    this.querySelector(".dialog-buttons button:last-child").focus();
  }

  async #cancel() {
    const { id, socket } = this.#message;
    await this.#request("outbox", { action: "cancel", id, socket },
      ({ cancelled }) => t(cancelled ? "messages.cancelled" : "messages.too_late"));
  }

  async #again() {
    const { socket, hex, priority } = this.#message;
    this.#asking = false;
    await this.#request("send", { socket, data_hex: hex, ...(priority ? { priority } : {}) }, ({ id }) => {
      this.#sent = id;
      return t("messages.queued_again");
    });
  }

  async #request(verb, body, done) {
    this.#busy = true;
    this.redraw();
    try {
      const answer = await request(this.#message.modem, verb, body, { signal: this.ended });
      if (answer.status === "ok") this.#said = done(answer.data);
      else this.#tell(answer.error);
    } catch (error) {
      if (error.name !== "AbortError") this.#tell(error);
    }
    this.#busy = false;
    this.redraw();
  }

  #tell(problem) {
    this.#said = h("span", { class: "trouble" }, refusal(problem));
  }
}

customElements.define("message-dialog", MessageDialog);
