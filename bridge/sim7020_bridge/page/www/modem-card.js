/**
 * `<modem-card modem="shed">`: one modem at a glance, which draws itself when it changes; with `slim`, one that is well
 * among many; with `without-broker`, what is said of the broker stands elsewhere.
 */

import { View, h } from "./dom.js";
import { t } from "./i18n.js";
import { alertNotes, condition, conditionBadge, operator, reception, signalOf, sinceWhen, stair, waiting } from "./modems.js";
import { clock } from "./parts.js";
import { store } from "./store.js";

class ModemCard extends View {
  static observedAttributes = ["slim", "without-broker"];

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
    return this.hasAttribute("slim") ? small(modem) : whole(modem, { broker: !this.hasAttribute("without-broker") });
  }
}

function title(modem) {
  return h("a", { class: "card-link", href: `#/modem/${encodeURIComponent(modem.name)}` }, modem.name);
}

function whole(modem, said) {
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
      h("div", null, h("dt", null, t("glance.signal")), h("dd", null, reception(signalOf(modem.state)))),
      h("div", null, h("dt", null, t("glance.operator")), h("dd", null, operator(modem.state) ?? "–")),
      waits === null ? null : h("div", null, h("dt", null, t("glance.outbox")), h("dd", null, waits)),
    ),
    alertNotes(modem, said),
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
      reception(signalOf(modem.state), { numbers: false }),
      h("span", { class: "quiet" }, [operator(modem.state), messages ? t("modems.waiting.some", { count: messages }) : null].filter(Boolean).join(" · ")),
    ),
  );
}

customElements.define("modem-card", ModemCard);
