/** `<modem-head modem="shed">`: above each of a modem's views, which modem it is and how it is. */

import { View, h } from "./dom.js";
import { t } from "./i18n.js";
import { conditionBadge, sinceWhen } from "./modems.js";
import { store } from "./store.js";

class ModemHead extends View {
  start() {
    this.hear(store, "change");
  }

  render() {
    const modem = store.modem(this.getAttribute("modem"));
    return h(
      "div",
      { class: "modem-head" },
      h("p", { class: "small" }, h("a", { href: "#/" }, h("app-icon", { name: "back" }), t("shell.nav.modems"))),
      h(
        "div",
        { class: "row" },
        h("h1", { tabindex: "-1" }, modem.name),
        conditionBadge(modem),
        h("span", { class: "quiet" }, sinceWhen(modem)),
      ),
    );
  }
}

customElements.define("modem-head", ModemHead);
