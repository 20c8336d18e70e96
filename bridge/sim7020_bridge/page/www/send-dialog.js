/** A message written by hand. Socket and way of writing are those of the last one; what is out of sight at first never is. */

import { request } from "./api.js";
import { h, View } from "./dom.js";
import { holding } from "./held.js";
import { t } from "./i18n.js";
import { choice, field, warning } from "./parts.js";
import { bytesOfHex, bytesOfText, cost, hexOf } from "./payload.js";
import { refusal } from "./refusal.js";
import { segments } from "./segments.js";
import { store } from "./store.js";

const PRIORITIES = ["low", "normal", "high", "critical"];
const LONGEST_TTL = 31622400;
const DATAGRAM = 512;

const chosen = { socket: "", way: "text" };

export class SendDialog extends View {
  #modem;
  #closed;
  #text = "";
  #priority = "normal";
  #ttl = "";
  #key = "";
  #busy = false;
  #said = null;
  #sent = null;

  /** Ask for a message to one of a modem's sockets; at the end `closed` is called, with its id if it was sent. */
  constructor(modem, socket, closed) {
    super();
    this.#modem = modem;
    this.#closed = closed;
    if (socket) chosen.socket = socket;
  }

  start() {
    if (!this.#socket) chosen.socket = this.#sockets[0]?.name ?? "";
    this.draw();
    this.querySelector("dialog").showModal();
    this.querySelector("textarea")?.focus();
    this.hear(store, "change");
  }

  get #sockets() {
    return store.modem(this.#modem).info?.sockets ?? [];
  }

  get #socket() {
    return this.#sockets.find(({ name }) => name === chosen.socket);
  }

  /** The payload; null for what are no hexadecimal digits. */
  get #bytes() {
    return chosen.way === "hex" ? bytesOfHex(this.#text) : bytesOfText(this.#text);
  }

  render() {
    return h("dialog", { class: "send-dialog", "aria-labelledby": "send-title", onclose: () => this.#closed(this.#sent) },
      h("h2", { id: "send-title" }, t("messages.send_title", { modem: this.#modem })),
      this.#sockets.length > 0 ? this.#form() : [
        h("div", { class: "dialog-body" }, h("p", null, t("messages.no_sockets"))),
        h("div", { class: "dialog-buttons" }, this.#close()),
      ]);
  }

  #form() {
    const bytes = this.#bytes;
    const problem = this.#problem(bytes);
    return h("form", { onsubmit: (event) => this.#send(event) },
      h("div", { class: "dialog-body" },
        choice(t("messages.socket"), { chosen: chosen.socket, onchange: (event) => this.#choose({ socket: event.target.value }) },
          this.#sockets.map(({ name, protocol, host, port }) => [name, `${name} (${protocol.toUpperCase()} ${host}:${port})`])),
        segments(t("messages.write_as"), "send-way", ["text", "hex"].map((way) => [way, t(`messages.way.${way}`)]), chosen.way,
          (way) => this.#change(way)),
        h("label", { class: "field" }, h("span", null, t("messages.payload")),
          h("textarea", {
            rows: "4", spellcheck: "false", autocomplete: "off", ".value": this.#text, "aria-describedby": "send-cost",
            "aria-invalid": problem ? "true" : null, oninput: (event) => this.#note({ text: event.target.value }),
          })),
        h("p", { id: "send-cost", class: problem ? "trouble" : "hint" }, problem ?? this.#price(bytes.length)),
        h("div", { role: "status" }, warning(holding(store.modem(this.#modem), { socket: chosen.socket, priority: this.#priority }))),
        h("details", { class: "more" }, h("summary", null, t("messages.more")), h("div", { class: "stack" },
          choice(t("messages.priority"), { chosen: this.#priority, onchange: (event) => this.#note({ priority: event.target.value }) },
            PRIORITIES.map((priority) => [priority, t(`messages.priorities.${priority}`)])),
          field(t("messages.ttl"), {
            type: "number", min: "1", max: LONGEST_TTL, step: "any", inputmode: "decimal",
            oninput: (event) => this.#note({ ttl: event.target.value }),
          }, t("messages.ttl_hint")),
          field(t("messages.key"), { maxlength: "1024", oninput: (event) => this.#note({ key: event.target.value }) }, t("messages.key_hint")))),
        h("p", { class: "said trouble", role: "alert" }, this.#said)),
      h("div", { class: "dialog-buttons" },
        this.#close(),
        h("button", { class: "button main", disabled: this.#busy || Boolean(problem) || bytes.length === 0 }, t("messages.send_now"))));
  }

  #close() {
    return h("button", { type: "button", class: "button", onclick: () => this.querySelector("dialog").close() }, t("shell.cancel"));
  }

  #problem(bytes) {
    if (bytes === null) return t("messages.no_hex");
    return ["udp", "coap"].includes(this.#socket?.protocol) && bytes.length > DATAGRAM
      ? t("messages.too_long", { count: bytes.length, limit: DATAGRAM }) : null;
  }

  #price(length) {
    if (length === 0) return t("messages.cost_nothing");
    return t("messages.cost", { bytes: t("messages.bytes", { count: length }), count: cost(this.#socket?.protocol, length) });
  }

  #choose(change) {
    Object.assign(chosen, change);
    this.redraw();
  }

  /** Keep what was typed when the way of writing changes, as far as the other way can express it. */
  #change(way) {
    const bytes = this.#bytes;
    if (bytes !== null && way === "hex") this.#text = hexOf(bytes).replace(/..(?=.)/g, "$& ");
    else if (bytes !== null) this.#text = new TextDecoder().decode(bytes);
    this.#choose({ way });
  }

  #note({ text = this.#text, priority = this.#priority, ttl = this.#ttl, key = this.#key }) {
    this.#text = text;
    this.#priority = priority;
    this.#ttl = ttl;
    this.#key = key;
    this.redraw();
  }

  async #send(event) {
    event.preventDefault();
    if (this.#busy) return;
    const body = { socket: chosen.socket, priority: this.#priority, data_hex: hexOf(this.#bytes) };
    if (this.#ttl) body.ttl = Number(this.#ttl);
    if (this.#key) body.key = this.#key;
    this.#busy = true;
    this.redraw();
    try {
      const answer = await request(this.#modem, "send", body, { signal: this.ended });
      if (answer.status === "ok") {
        this.#sent = answer.data.id;
        this.querySelector("dialog").close();
        return;
      }
      this.#said = refusal(answer.error);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#said = refusal(error);
    }
    this.#busy = false;
    this.redraw();
  }
}

customElements.define("send-dialog", SendDialog);
