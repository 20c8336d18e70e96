/** All modems at a glance, those first that need somebody. */

import { View, h } from "./dom.js";
import { t } from "./i18n.js";
import "./modem-card.js";
import { brokerOfAll, condition, fits, needsSomebody, restartNote } from "./modems.js";
import { empty } from "./parts.js";
import { store } from "./store.js";

/** With more modems than this there is a field to search, and what is well takes less room. */
const MANY = 8;

class ViewGlance extends View {
  #words = "";

  start() {
    this.hear(store, "change");
  }

  render() {
    const all = store.modems;
    const many = all.length > MANY;
    const shown = all.filter((modem) => !many || fits(modem, this.#words));
    const trouble = shown.filter((modem) => condition(modem).rank < 3).sort((one, other) => condition(one).rank - condition(other).rank);
    const broker = brokerOfAll(all);
    const card = (modem, slim) => h("li", { key: modem.name }, h("modem-card", { modem: modem.name, slim, "without-broker": broker !== null }));
    const well = shown.filter((modem) => condition(modem).rank >= 3);
    return [
      h(
        "div",
        { class: "glance-head row apart" },
        h("div", null, h("h1", { tabindex: "-1" }, t("glance.title")), h("p", { class: "quiet", role: "status" }, all.length ? this.#summary(all) : null)),
        many ? this.#search() : null,
      ),
      broker,
      restartNote(store.restartKeys),
      all.length ? null : empty(t("glance.no_modems.title"), store.full ? h("a", { href: "#/setup" }, t("glance.no_modems.words")) : null),
      all.length && !shown.length ? empty(t("glance.nothing_found", { words: this.#words })) : null,
      many && trouble.length ? h("h2", { class: "glance-part", key: "trouble" }, t("glance.trouble", { count: trouble.length })) : null,
      h("ul", { class: "cards glance-full" }, [...trouble, ...(many ? [] : well)].map((modem) => card(modem, false))),
      many && well.length ? h("h2", { class: "glance-part", key: "well" }, t("glance.well", { count: well.length })) : null,
      many ? h("ul", { class: "cards glance-small" }, well.map((modem) => card(modem, true))) : null,
    ];
  }

  #summary(all) {
    const known = all.filter((modem) => condition(modem).key !== "nothing").length;
    if (!known) return t("shell.loading");
    const up = all.filter((modem) => ["online", "sleeping"].includes(condition(modem).key)).length;
    const needing = all.filter(needsSomebody).length;
    return [
      t("glance.summary", { count: known, up }),
      needing ? [" · ", t("glance.needing", { count: needing })] : null,
      known < all.length ? [" · ", t("glance.unknown", { count: all.length - known })] : null,
    ];
  }

  #search() {
    return h("input", {
      type: "search", class: "glance-search", placeholder: t("glance.search"), "aria-label": t("glance.search"),
      oninput: (event) => {
        this.#words = event.target.value.trim();
        this.redraw();
      },
    });
  }
}

customElements.define("view-glance", ViewGlance);
