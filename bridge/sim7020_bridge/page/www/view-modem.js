/** One modem: how far its link is, how it has been, and all that is known of it. */

import { get, pathOf } from "./api.js";
import { View, h } from "./dom.js";
import { History } from "./history.js";
import { t } from "./i18n.js";
import "./modem-plots.js";
import { care, identity, network, power, sockets, usage } from "./modem-panels.js";
import { alertNotes, stair } from "./modems.js";
import { clock } from "./parts.js";
import { ROUTES, address } from "./routes.js";
import { store } from "./store.js";

class ViewModem extends View {
  #week = null;

  start() {
    this.hear(store, "change", ({ detail }) => {
      if (detail.modem === null || detail.modem === this.getAttribute("modem")) this.redraw();
    });
    this.hear(clock, "tick");
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
      alertNotes(modem),
      h("section", { class: "card panel", key: "link", "aria-labelledby": "panel-link" }, h("h2", { id: "panel-link" }, t("modem.link.title")), stair(modem)),
      h("modem-plots", { modem: modem.name, key: "plots" }),
      modem.state ? this.#panels(modem) : h("p", { class: "quiet", key: "nothing" }, t("modem.nothing")),
    );
  }

  #panels(modem) {
    return [
      sockets(modem),
      h(
        "div",
        { class: "panels" },
        network(modem),
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
