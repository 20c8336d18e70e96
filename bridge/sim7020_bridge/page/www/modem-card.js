/** `<modem-card modem="shed">`: one modem at a glance; with `slim`, one that is well among many. Draws itself when it changes. */

import { View, h } from "./dom.js";
import { t } from "./i18n.js";
import { alertNotes, condition, conditionBadge, operator, reception, sinceWhen, stair, waiting } from "./modems.js";
import { clock } from "./parts.js";
import { store } from "./store.js";

class ModemCard extends View {
  static observedAttributes = ["slim"];

  attributeChangedCallback() {
    this.redraw();
  }

  start() {
    this.hear(clock, "tick");
    this.hear(store, "change", ({ detail }) => {
      if (detail.modem === null || detail.modem === this.getAttribute("modem")) this.redraw();
    });
  }

  render() {
    const modem = store.modem(this.getAttribute("modem"));
    return this.hasAttribute("slim") ? small(modem) : whole(modem);
  }
}

function title(modem) {
  return h("a", { class: "card-link", href: `#/modem/${encodeURIComponent(modem.name)}` }, modem.name);
}

function whole(modem) {
  const waits = waiting(modem);
  return h(
    "div",
    { class: `card modem ${condition(modem).tone}` },
    h("div", { class: "row apart" }, h("h2", null, title(modem)), conditionBadge(modem)),
    h("p", { class: "quiet small modem-since" }, sinceWhen(modem)),
    stair(modem),
    h(
      "dl",
      { class: "modem-facts" },
      h("div", null, h("dt", null, t("glance.signal")), h("dd", null, reception(modem.state?.signal))),
      h("div", null, h("dt", null, t("glance.operator")), h("dd", null, operator(modem.state) ?? "–")),
      waits === null ? null : h("div", null, h("dt", null, t("glance.outbox")), h("dd", null, waits)),
    ),
    alertNotes(modem),
  );
}

function small(modem) {
  const messages = modem.state?.outbox?.messages;
  return h(
    "div",
    { class: `card modem slim ${condition(modem).tone}` },
    h("div", { class: "row apart" }, h("h3", null, title(modem)), conditionBadge(modem)),
    h(
      "div",
      { class: "row apart small" },
      reception(modem.state?.signal, { numbers: false }),
      h("span", { class: "quiet" }, [operator(modem.state), messages ? t("modems.waiting.some", { count: messages }) : null].filter(Boolean).join(" · ")),
    ),
  );
}

customElements.define("modem-card", ModemCard);
