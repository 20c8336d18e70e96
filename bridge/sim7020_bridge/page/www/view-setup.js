/** A first start, from a port to a bridge that runs; and on one that runs, ports that are free and a probe of them. */

import { get, post } from "./api.js";
import { h, View } from "./dom.js";
import { t } from "./i18n.js";
import { facts, failure, field } from "./parts.js";
import { draft, forget, keep } from "./setup-draft.js";
import { brokerOf, brokerStep, modemStep, socketStep } from "./setup-steps.js";
import { store } from "./store.js";
import "./port-choice.js";
import "./probe-climb.js";

const STEPS = ["port", "probe", "modem", "broker", "socket", "summary"];
const USUAL_RATE = 115200;
const POLL = 1000;
/** Times that the bridge is asked for before somebody is told where to look. */
const PATIENCE = 20;
/** What is said no with to whoever sets up what has been set up already. */
const ELSEWHERE = ["not_found", "there_already"];
const OWN_PASSWORD = "page.password";
const ADDRESS = "#/setup";

/** What each secret is called, and the step that asks for it. */
const SECRETS = {
  apnPassword: ["modem", "setup.modem.password"],
  pin: ["modem", "setup.modem.pin"],
  password: ["broker", "setup.broker.password"],
  pagePassword: ["summary", "setup.summary.password"],
};

class ViewSetup extends View {
  #busy = false;
  #starting = false;
  #mistakes = [];
  #problem = null;

  get #steps() {
    return store.session?.setup ? STEPS : STEPS.slice(0, 2);
  }

  start() {
    this.#follow();
    this.hear(window, "hashchange", () => this.#follow());
    if (store.session?.setup) this.#load();
  }

  async #load() {
    try {
      const { mqtt, password } = await get("api/setup", { signal: this.ended });
      this.#change({ given: mqtt, passwordWanted: password });
    } catch (error) {
      if (error.name !== "AbortError") this.#problem = failure(error);
      this.redraw();
    }
  }

  render() {
    const first = store.session?.setup;
    if (this.#starting) return this.#start();
    return [
      h("h1", { tabindex: "-1" }, t(first ? "setup.title" : "setup.title_running")),
      h("p", { class: "quiet" }, t(first ? "setup.words" : "setup.words_running")),
      this.#path(),
      h("form", { class: "setup-form card", key: draft.step, onsubmit: (event) => this.#next(event) },
        h("h2", { class: "setup-heading", tabindex: "-1" }, t(`setup.${draft.step}.title`)),
        h("p", { class: "quiet" }, t(`setup.${draft.step}.words`)),
        this.#step(),
        this.#problem ? h("p", { class: "trouble", role: "alert" }, this.#problem) : null,
        this.#buttons()),
    ];
  }

  #path() {
    const here = this.#steps.indexOf(draft.step);
    return h("nav", { "aria-label": t("setup.steps") }, h("ol", { class: "setup-path" }, this.#steps.map((step, at) =>
      h("li", { key: step, class: `path-step ${at < here ? "done" : at === here ? "here" : ""}`, "aria-current": at === here ? "step" : null },
        at < here
          ? h("button", { type: "button", class: "path-back", onclick: () => this.#go(step) }, mark(at, here), h("span", { class: "path-words" }, t(`setup.${step}.short`)))
          : [mark(at, here), h("span", { class: "path-words" }, t(`setup.${step}.short`))]))));
  }

  #step() {
    const change = (changes) => this.#change(changes);
    switch (draft.step) {
      case "port": return h("port-choice", { ".chosen": draft.port, onchoose: (port, answer) => change({ port, ...rate(answer?.baudrate), probed: null }) });
      case "probe": return this.#probe();
      case "modem": return modemStep(draft, change);
      case "broker": return brokerStep(draft, change);
      case "socket": return socketStep(draft, change);
      default: return this.#summary();
    }
  }

  #probe() {
    const { port, baudrate, apn, pin, internet, probeHost, timeout, probed } = draft;
    const wanted = { port, internet, timeout: Number(timeout) || 120, ...(baudrate ? { baudrate: Number(baudrate) } : {}), ...(apn ? { apn } : {}), ...(pin ? { pin } : {}), ...(internet && probeHost ? { host: probeHost.trim() } : {}) };
    return [
      h("p", { class: "mono" }, port),
      h("probe-climb", { ".wanted": wanted, ".known": probed, onfound: (found) => this.#probed(found) }),
      draft.pinWanted ? this.#pin() : null,
      h("details", { class: "more" }, h("summary", null, t("setup.probe.more")), h("div", { class: "stack" },
        h("label", { class: "check" },
          h("input", { type: "checkbox", ".checked": internet, onchange: (event) => this.#change({ internet: event.target.checked }) }),
          t("setup.probe.internet")),
        internet ? field(t("setup.probe.host"), { key: "host", placeholder: "example.com", ".value": probeHost, oninput: (event) => this.#change({ probeHost: event.target.value }) }, t("setup.probe.host_hint")) : null,
        field(t("setup.probe.timeout"), { type: "number", min: "1", max: "3600", ".value": timeout, oninput: (event) => this.#change({ timeout: event.target.value }) }, t("setup.probe.timeout_hint")),
        field(t("setup.probe.baudrate"), { type: "number", min: "1", ".value": baudrate, oninput: (event) => this.#change({ baudrate: event.target.value }) }, t("setup.probe.baudrate_hint")),
        draft.pinWanted ? null : this.#pin())),
      store.session?.setup ? null : h("p", null, t("setup.probe.then"), " ", h("a", { href: "#/configuration" }, t("shell.nav.configuration"))),
    ];
  }

  #pin() {
    return field(t("setup.modem.pin"), { key: "pin", type: "password", autocomplete: "new-password", inputmode: "numeric", ".value": draft.pin, oninput: (event) => this.#change({ pin: event.target.value }) }, t("setup.modem.pin_hint"));
  }

  #probed(probed) {
    const pinWanted = draft.pinWanted || [...probed.found.values()].some(({ problem }) => ["sim_pin", "last_pin_try"].includes(problem));
    const { details = {} } = probed.found.get("apn") ?? {};
    const found = probed.found.get("baud_rate")?.details?.baudrate;
    this.#change({ probed, pinWanted, apnFound: details.apn ?? null, ...rate(found) });
  }

  #summary() {
    const rows = [
      ["port", draft.port],
      ["modem", [draft.name, draft.carrier ? draft.apn : t("setup.summary.kept_apn"), draft.pin ? t("setup.summary.pin_set") : null].filter(Boolean).join(" · ")],
      ["broker", [draft.given?.place ?? `${draft.host}${draft.brokerPort ? `:${draft.brokerPort}` : ""}`, ...(draft.given ? [] : [draft.username, draft.tls ? "TLS" : ""]), tried()].filter(Boolean).join(" · ")],
      ["socket", draft.withSocket ? `${draft.socket} · ${draft.socketProtocol.toUpperCase()} ${draft.socketHost}:${draft.socketPort}` : t("setup.summary.no_socket")],
    ];
    return [
      facts(rows.map(([step, words]) => [t(`setup.${step}.short`), h("div", { class: "summary-row" }, h("span", null, words), this.#changing(step))])),
      draft.missing.length ? h("div", { class: "note warn", key: "missing" }, h("app-icon", { name: "alert" }),
        h("p", { class: "note-title" }, t("setup.summary.missing")),
        h("ul", { class: "mistakes" }, draft.missing.map((key) => h("li", { key }, ...this.#missing(...SECRETS[key]))))) : null,
      this.#mistakes.length ? h("div", { class: "note bad", role: "alert" }, h("app-icon", { name: "alert" }),
        h("p", { class: "note-title" }, t("setup.summary.mistakes")),
        h("ul", { class: "mistakes" }, this.#mistakes.map(({ key, message }) => h("li", { key },
          h("span", { lang: "en" }, h("span", { class: "mono" }, key), `: ${message} `), key === OWN_PASSWORD ? null : this.#changing(stepOf(key)))))) : null,
      // Whoever logged in did so from elsewhere, with a code that holds until the configuration is written.
      store.session?.password ? field(t("setup.summary.password"), {
        type: "password", autocomplete: "new-password", ".value": draft.pagePassword,
        oninput: (event) => this.#change({ pagePassword: event.target.value }),
      }, t(draft.passwordWanted ? "setup.summary.password_wanted" : "setup.summary.password_hint")) : null,
    ];
  }

  #missing(step, name) {
    return step === "summary" ? [t(name)] : [`${t(`setup.${step}.short`)}: ${t(name)} `, this.#changing(step)];
  }

  #changing(step) {
    return h("button", { type: "button", class: "button plain small", "aria-label": `${t("setup.summary.change")}: ${t(`setup.${step}.short`)}`, onclick: () => this.#go(step) },
      t("setup.summary.change"));
  }

  #buttons() {
    const at = this.#steps.indexOf(draft.step);
    const last = at === this.#steps.length - 1;
    return h("div", { class: "setup-buttons" },
      at > 0 ? h("button", { type: "button", class: "button", onclick: () => this.#go(this.#steps[at - 1]) }, t("setup.back")) : null,
      last && !store.session?.setup ? null
        : h("button", { class: `button ${draft.step === "probe" && !draft.probed ? "" : "main"}`, disabled: this.#busy || (draft.step === "port" && !draft.port) },
          t(last ? "setup.summary.write" : draft.step === "probe" && !draft.probed ? "setup.skip" : "setup.next")));
  }

  #start() {
    return h("div", { class: "card setup-start", role: "status" },
      h("h1", { tabindex: "-1" }, t("setup.started")), h("p", null, t("setup.started_words")),
      this.#problem ? h("p", { class: "trouble" }, this.#problem) : null);
  }

  #change(changes) {
    // They are of what stood there before.
    this.#mistakes = [];
    keep(changes);
    this.redraw();
  }

  #go(step) {
    history.pushState(null, "", address(step));
    this.#show(step);
  }

  /** Show the step that the address names; one that names none, or asks too early, is put right. */
  #follow() {
    if (this.#starting || !location.hash.startsWith(ADDRESS)) return;
    const named = new URLSearchParams(location.hash.split("?")[1]).get("step");
    const wanted = [named, draft.step].find((step) => this.#steps.includes(step));
    const step = wanted && draft.port ? wanted : "port";
    if (step !== named) history.replaceState(null, "", address(step));
    if (step !== draft.step) this.#show(step);
  }

  #show(step) {
    keep({ step });
    this.#problem = null;
    if (!this.firstChild) return;
    this.draw();
    if (store.session?.setup) this.#lookAgain();
    this.querySelector(".setup-heading").focus({ preventScroll: true });
    this.scrollIntoView({ block: "start" });
  }

  #next(event) {
    event.preventDefault();
    const at = this.#steps.indexOf(draft.step);
    if (at < this.#steps.length - 1) this.#go(this.#steps[at + 1]);
    else if (store.session?.setup) this.#write();
  }

  async #write() {
    this.#busy = true;
    this.#mistakes = [];
    this.#problem = null;
    this.redraw();
    try {
      await post("api/setup", body(), { signal: this.ended });
      forget();
      this.#starting = true;
      this.draw();
      await this.#wait();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 422 && error.document?.mistakes) this.#mistakes = error.document.mistakes;
      else if (ELSEWHERE.includes(error.code)) await this.#leadOn();
      else this.#problem = failure(error);
    }
    this.#busy = false;
    this.redraw();
  }

  /** Another tab has finished the set-up. */
  async #leadOn() {
    this.#starting = true;
    this.draw();
    await this.#wait();
  }

  /** Ask whether there is still something to set up. */
  async #lookAgain() {
    try {
      const { setup } = await get("api/session", { signal: this.ended });
      if (!setup) await this.#leadOn();
    } catch {
      // What is asked for next says why.
    }
  }

  #tellLate() {
    this.#problem = t("setup.late");
    this.redraw();
  }

  /** Wait until the bridge runs with what was written, then show it. */
  async #wait() {
    for (let asked = 0; ; asked += 1) {
      if (asked === PATIENCE) this.#tellLate();
      await new Promise((resolve) => setTimeout(resolve, POLL));
      if (this.ended.aborted) return;
      try {
        const { setup } = await get("api/session", { signal: this.ended });
        if (!setup) break;
      } catch (error) {
        // While the bridge changes from one to the other nobody answers; afterwards a password may be wanted.
        if (error.status === 401 || error.status === 403) break;
      }
    }
    history.replaceState(null, "", "#/");
    location.reload();
  }
}

function address(step) {
  return `${ADDRESS}?step=${step}`;
}

function mark(at, here) {
  return h("span", { class: "path-mark", "aria-hidden": "true" }, at < here ? "✓" : at + 1);
}

function rate(baudrate) {
  return baudrate ? { baudrate: baudrate === USUAL_RATE ? "" : String(baudrate) } : {};
}

function tried() {
  if (!draft.tried) return t("setup.summary.not_tried");
  return t(draft.tried.ok ? "setup.summary.tried" : "setup.summary.tried_in_vain");
}

/** The step in which a key of the configuration is asked for. */
function stepOf(key) {
  if (key.startsWith("mqtt")) return "broker";
  if (/\.sockets\b/.test(key)) return "socket";
  return /\.(port|baudrate)$/.test(key) ? "port" : "modem";
}

function body() {
  const { name, port, baudrate, carrier, apn, apnUsername, apnPassword, pin } = draft;
  const modem = {
    name, port, ...(baudrate ? { baudrate: Number(baudrate) } : {}),
    ...(carrier ? { apn } : {}),
    ...(carrier && apnUsername ? { apn_username: apnUsername } : {}),
    ...(carrier && apnPassword ? { apn_password: apnPassword } : {}),
    ...(pin ? { pin } : {}),
  };
  const socket = { protocol: draft.socketProtocol, host: draft.socketHost.trim(), port: Number(draft.socketPort) };
  return { mqtt: brokerOf(draft), modem, sockets: draft.withSocket ? { [draft.socket]: socket } : {}, page: { password: draft.pagePassword } };
}

customElements.define("view-setup", ViewSetup);
