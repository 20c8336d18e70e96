/** All modems at a glance, those first that need somebody. */

import { get, pathOf } from "./api.js";
import { View, h } from "./dom.js";
import { t } from "./i18n.js";
import { alertNotes, condition, conditionBadge, fits, operator, reception, sinceWhen, stair, waiting } from "./modems.js";
import { clock, empty } from "./parts.js";
import { store } from "./store.js";

/** With more modems than this there is a field to search, and what is well takes less room. */
const MANY = 8;

class ViewGlance extends View {
  #words = "";

  start() {
    this.hear(store, "change");
    this.hear(clock, "tick");
    this.hear(store, "restart", () => this.#links());
    this.#links();
  }

  /** How long each step took comes with the stream once it changes; what was before is asked for. */
  async #links() {
    for (const modem of store.modems) {
      if (this.ended.aborted) return;
      if (modem.link) continue;
      try {
        modem.link = await get(`${pathOf(modem.name)}/link`, { signal: this.ended });
      } catch {
        // The stair is shown without times.
      }
      this.redraw();
    }
  }

  render() {
    const all = store.modems;
    const many = all.length > MANY;
    const shown = all.filter((modem) => !many || fits(modem, this.#words));
    const trouble = shown.filter((modem) => condition(modem).rank < 3).sort((one, other) => condition(one).rank - condition(other).rank);
    const well = shown.filter((modem) => condition(modem).rank >= 3);
    return [
      h(
        "div",
        { class: "glance-head row apart" },
        h("div", null, h("h1", { tabindex: "-1" }, t("glance.title")), h("p", { class: "quiet", role: "status" }, all.length ? this.#summary(all) : null)),
        many ? this.#search() : null,
      ),
      all.length ? null : empty(t("glance.no_modems.title"), store.full ? h("a", { href: "#/setup" }, t("glance.no_modems.words")) : null),
      all.length && !shown.length ? empty(t("glance.nothing_found", { words: this.#words })) : null,
      many && trouble.length ? h("h2", { class: "glance-part", key: "trouble" }, t("glance.trouble", { count: trouble.length })) : null,
      h("ul", { class: "cards glance-full" }, [...trouble, ...(many ? [] : well)].map((modem) => card(modem))),
      many && well.length ? h("h2", { class: "glance-part", key: "well" }, t("glance.well", { count: well.length })) : null,
      many ? h("ul", { class: "cards glance-small" }, well.map((modem) => small(modem))) : null,
    ];
  }

  #summary(all) {
    const up = all.filter((modem) => ["online", "sleeping"].includes(condition(modem).key)).length;
    const needing = all.filter((modem) => modem.alerts.size || condition(modem).key === "broker").length;
    return [t("glance.summary", { count: all.length, up }), needing ? [" · ", t("glance.needing", { count: needing })] : null];
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

function title(modem) {
  return h("a", { class: "card-link", href: `#/modem/${encodeURIComponent(modem.name)}` }, modem.name);
}

function card(modem) {
  const waits = waiting(modem.state);
  return h(
    "li",
    { class: `card modem ${condition(modem).tone}`, key: modem.name },
    h("div", { class: "row apart" }, h("h2", null, title(modem)), conditionBadge(modem)),
    h("p", { class: "quiet small modem-since" }, sinceWhen(modem)),
    stair(modem),
    h(
      "dl",
      { class: "modem-facts" },
      h("div", null, h("dt", null, t("glance.signal")), h("dd", null, reception(modem.state?.signal))),
      h("div", null, h("dt", null, t("glance.operator")), h("dd", null, operator(modem.state) ?? t("shell.none"))),
      waits === null ? null : h("div", null, h("dt", null, t("glance.outbox")), h("dd", null, waits)),
    ),
    alertNotes(modem),
  );
}

function small(modem) {
  const messages = modem.state?.outbox?.messages;
  return h(
    "li",
    { class: `card modem slim ${condition(modem).tone}`, key: modem.name },
    h("div", { class: "row apart" }, h("h3", null, title(modem)), conditionBadge(modem)),
    h(
      "div",
      { class: "row apart small" },
      reception(modem.state?.signal, { numbers: false }),
      h("span", { class: "quiet" }, [operator(modem.state), messages ? t("modems.waiting.some", { count: messages }) : null].filter(Boolean).join(" · ")),
    ),
  );
}

customElements.define("view-glance", ViewGlance);
