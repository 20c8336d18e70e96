/** The questions of the set-up after the port: SIM and APN, broker, first socket; each a form of what it changes. */

import { post } from "./api.js";
import { CARRIERS } from "./carriers.js";
import { h, View } from "./dom.js";
import { t } from "./i18n.js";
import { choice, failure, field } from "./parts.js";

/** What a name in the configuration may be, as a pattern for an input. */
const NAME = { pattern: "[a-z0-9_\\-]{1,32}", maxlength: "32", required: true };
/** Milliseconds between two tries of one that another one keeps waiting. */
const PAUSE = 500;
const PORT = { type: "number", min: "1", max: "65535", inputmode: "numeric" };

/** The modem's name, and its way into the network. `change` is called with what somebody changed of the draft. */
export function modemStep(draft, change) {
  const own = draft.carrier !== "";
  return [
    field(t("setup.modem.name"), { ...NAME, ...bound(draft, "name", change), title: t("setup.name_rule") }, t("setup.modem.name_hint")),
    choice(t("setup.modem.carrier"), { chosen: draft.carrier, onchange: (event) => change(carrierChange(event.target.value)) }, [
      ["", draft.apnFound ? t("setup.modem.keep_apn", { apn: draft.apnFound }) : t("setup.modem.keep")],
      ...Object.keys(CARRIERS).map((name) => [name, name]),
      ["other", t("setup.modem.another")],
    ], t("setup.modem.carrier_hint")),
    own ? [
      field(t("setup.modem.apn"), { key: "apn", required: true, maxlength: "100", ...bound(draft, "apn", change) }),
      field(t("setup.modem.username"), { ...bound(draft, "apnUsername", change) }),
      field(t("setup.modem.password"), { type: "password", autocomplete: "new-password", ...bound(draft, "apnPassword", change) }),
    ] : null,
    draft.pinWanted ? pinField(draft, change) : h("details", { class: "more" }, h("summary", null, t("setup.modem.pin")), pinField(draft, change)),
  ];
}

function pinField(draft, change) {
  return field(t("setup.modem.pin"), { type: "password", autocomplete: "new-password", inputmode: "numeric", pattern: "[0-9]{4,8}", ...bound(draft, "pin", change), title: t("setup.modem.pin_rule") }, t("setup.modem.pin_hint"));
}

function carrierChange(carrier) {
  const [apn, apnUsername, apnPassword] = CARRIERS[carrier] ?? ["", "", ""];
  return { carrier, apn, apnUsername, apnPassword };
}

/** The broker, and whether it lets the bridge in. */
export function brokerStep(draft, change) {
  if (draft.given) {
    return [
      h("p", null, t("setup.broker.given", { place: draft.given.place })),
      h("broker-trial", { ".draft": { ...draft }, ontried: (tried) => change({ tried }) }),
    ];
  }
  return [
    h("div", { class: "pair" },
      field(t("setup.broker.host"), { required: true, ...bound(draft, "host", change) }),
      field(t("setup.broker.port"), { ...PORT, placeholder: draft.tls ? "8883" : "1883", ...bound(draft, "brokerPort", change) })),
    h("label", { class: "check" },
      h("input", { type: "checkbox", ".checked": draft.tls, onchange: (event) => change({ tls: event.target.checked, tried: null }) }),
      t("setup.broker.tls")),
    h("div", { class: "pair" },
      field(t("setup.broker.username"), bound(draft, "username", change)),
      field(t("setup.broker.password"), { type: "password", autocomplete: "new-password", ...bound(draft, "password", change) })),
    h("details", { class: "more" }, h("summary", null, t("setup.broker.more")),
      choice(t("setup.broker.protocol"), { chosen: draft.protocol, onchange: (event) => change({ protocol: event.target.value, tried: null }) },
        [["5", "MQTT 5"], ["3.1.1", "MQTT 3.1.1"]])),
    h("broker-trial", { ".draft": { ...draft }, ontried: (tried) => change({ tried }) }),
  ];
}

/** A socket to begin with, or none. */
export function socketStep(draft, change) {
  return [
    h("label", { class: "check" },
      h("input", { type: "checkbox", ".checked": draft.withSocket, onchange: (event) => change({ withSocket: event.target.checked }) }),
      t("setup.socket.now")),
    draft.withSocket ? [
      field(t("setup.socket.name"), { ...NAME, ...bound(draft, "socket", change), title: t("setup.name_rule") },
        t("setup.socket.name_hint", { topic: `sim7020/${draft.name || "modem"}/socket/${draft.socket || "…"}/send` })),
      choice(t("setup.socket.protocol"), { chosen: draft.socketProtocol, onchange: (event) => change({ socketProtocol: event.target.value }) },
        [["udp", t("setup.socket.udp")], ["tcp", t("setup.socket.tcp")]]),
      h("div", { class: "pair" },
        field(t("setup.socket.host"), { required: true, ...bound(draft, "socketHost", change) }),
        field(t("setup.socket.port"), { ...PORT, required: true, ...bound(draft, "socketPort", change) })),
    ] : h("p", { class: "hint" }, t("setup.socket.later")),
  ];
}

/** An input of one of the draft's values; of the broker's, a change makes what was tried worthless. */
function bound(draft, key, change) {
  const broker = ["host", "brokerPort", "username", "password"].includes(key);
  return {
    name: key,
    ".value": draft[key],
    oninput: (event) => change({ [key]: event.target.value, ...(broker ? { tried: null } : {}) }),
  };
}

/** Keys of the section `mqtt` that a draft comes to. */
export function brokerOf({ given, host, brokerPort, tls, username, password, protocol }) {
  if (given) return {};
  return {
    host: host.trim(),
    ...(brokerPort ? { port: Number(brokerPort) } : {}),
    ...(tls ? { tls: true } : {}),
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(protocol === "5" ? {} : { protocol }),
  };
}

/** A button that tries the broker of a draft, and what came of it. */
class BrokerTrial extends View {
  #draft = null;
  /** What is being tried, and what gives it up. */
  #asked = "";
  #trying = null;

  set draft(draft) {
    this.#draft = draft;
    if (this.#trying && JSON.stringify(brokerOf(draft)) !== this.#asked) this.#giveUp();
    this.redraw();
  }

  start() {
    this.ended.addEventListener("abort", () => this.#giveUp());
  }

  render() {
    if (!this.#draft) return null;
    const { tried, host } = this.#draft;
    return [
      h("button", { type: "button", class: "button", disabled: this.#trying !== null || !host.trim(), onclick: () => this.#try() },
        t(this.#trying ? "setup.broker.trying" : "setup.broker.try")),
      h("div", { role: "status" }, tried
        ? h("div", { class: `note ${tried.ok ? "good" : "bad"}` }, h("app-icon", { name: tried.ok ? "check" : "alert" }),
          h("p", { class: "note-title" }, t(tried.ok ? "setup.broker.good" : "setup.broker.bad")),
          tried.words ? h("p", { lang: "en" }, tried.words) : null)
        : null),
    ];
  }

  #giveUp() {
    this.#trying?.abort();
    this.#trying = null;
  }

  async #try() {
    const trying = new AbortController();
    const asked = brokerOf(this.#draft);
    this.#trying = trying;
    this.#asked = JSON.stringify(asked);
    this.ontried?.(null);
    const tried = await result(asked, trying.signal);
    // What it says of other values than those that stand there now is worth nothing.
    if (trying.signal.aborted) return;
    this.#trying = null;
    this.ontried?.(tried);
    this.redraw();
  }
}

/** Try a broker; one that was given up may take a moment longer, and is waited for. */
async function result(asked, signal) {
  while (!signal.aborted) {
    try {
      return await post("api/try-broker", asked, { signal });
    } catch (error) {
      if (error.code !== "busy") return { ok: false, words: failure(error) };
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  return null;
}

customElements.define("broker-trial", BrokerTrial);
