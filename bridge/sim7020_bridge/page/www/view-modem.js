/** One modem: how far its link is, how it has been, and all that is known of it. */

import { get, pathOf, request } from "./api.js";
import { View, h } from "./dom.js";
import { History } from "./history.js";
import { t } from "./i18n.js";
import "./modem-plots.js";
import { care, identity, network, power, sockets, usage } from "./modem-panels.js";
import { alertNotes, restartNote, stair } from "./modems.js";
import { clock, failure, toast } from "./parts.js";
import { refusal } from "./refusal.js";
import { ROUTES, address } from "./routes.js";
import { store } from "./store.js";

class ViewModem extends View {
  #week = null;
  #reading = false;

  start() {
    this.hear(store, "change", ({ detail }) => {
      if (detail.modem === null || detail.modem === this.getAttribute("modem")) this.redraw();
    });
    this.hear(clock, "tick");
    this.hear(store, "restart", () => this.#fetch());
    this.hear(store, "back", () => this.#week === null && this.#fetch());
    this.#fetch();
  }

  async #fetch() {
    try {
      this.#week = new History(await get(`${pathOf(this.getAttribute("modem"))}/history?span=week`, { signal: this.ended }));
    } catch {
      // There is no forecast then.
    }
    this.redraw();
  }

  render() {
    const modem = store.modem(this.getAttribute("modem"));
    return h(
      "div",
      { class: "stack" },
      restartNote(store.restartKeysOf(modem.name)),
      alertNotes(modem),
      h("section", { class: "card panel", key: "link", "aria-labelledby": "panel-link" }, h("h2", { id: "panel-link" }, t("modem.link.title")), stair(modem)),
      h("modem-plots", { modem: modem.name, key: "plots" }),
      modem.state ? this.#panels(modem) : h("p", { class: "quiet", key: "nothing" }, t("modem.nothing")),
    );
  }

  #refresh({ info }) {
    if (!store.full || !info?.requests.includes("refresh")) return null;
    return h("button", { class: "button", "aria-disabled": this.#reading ? "true" : null, onclick: () => this.#read() },
      t(this.#reading ? "modem.network.refreshing" : "modem.network.refresh"));
  }

  /** Have everything read now; the state that follows shows it. */
  async #read() {
    if (this.#reading) return;
    this.#reading = true;
    this.redraw();
    try {
      const { status, error } = await request(this.getAttribute("modem"), "refresh", {}, { signal: this.ended });
      if (status !== "ok") toast(refusal(error), "bad");
    } catch (error) {
      if (error.name === "AbortError") return;
      toast(failure(error), "bad");
    }
    this.#reading = false;
    this.redraw();
  }

  #panels(modem) {
    return [
      sockets(modem),
      h(
        "div",
        { class: "panels" },
        network(modem, this.#refresh(modem)),
        usage(modem, this.#week, { calibrate: link("actions", modem) }),
        power(modem),
        care(modem, { messages: link("messages", modem) }),
        identity(modem),
      ),
    ];
  }
}

/** The address of another of the modem's views, if there is such a view for whoever looks. */
function link(view, modem) {
  const route = ROUTES.find((row) => row.path === `modem/:modem/${view}` && (store.full || !row.full));
  return route ? address(route.path, { modem: modem.name }) : null;
}

customElements.define("view-modem", ViewModem);
