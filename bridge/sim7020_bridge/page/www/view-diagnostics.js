/** All that somebody who helps needs to know, in one archive to attach to an issue. */

import { file } from "./api.js";
import { h, View } from "./dom.js";
import { t } from "./i18n.js";
import { failure, toast } from "./parts.js";
import { save } from "./save.js";

const PARTS = ["configuration", "state", "history", "messages", "probe", "log", "recording", "versions"];
const MASKED = ["secrets", "identities", "payload"];
const LEFT = ["names", "topics", "place"];

class ViewDiagnostics extends View {
  #busy = false;

  render() {
    return [
      h("h1", { tabindex: "-1" }, t("diagnostics.title")),
      h("p", { class: "quiet" }, t("diagnostics.words")),
      h("div", { class: "diagnostics-parts" },
        list("in", PARTS),
        h("div", { class: "stack" }, list("masked", MASKED), list("left", LEFT))),
      h("p", null, t("diagnostics.look")),
      h("p", null, h("button", { type: "button", class: "button main", disabled: this.#busy, onclick: () => this.#save() },
        t(this.#busy ? "diagnostics.busy" : "diagnostics.save"))),
    ];
  }

  async #save() {
    this.#busy = true;
    this.redraw();
    try {
      await save(await file("api/diagnostics", { signal: this.ended }), "sim7020-bridge-diagnostics.zip");
      toast(t("diagnostics.saved"), "good");
    } catch (error) {
      if (error.name === "AbortError") return;
      toast(failure(error), "bad");
    }
    this.#busy = false;
    this.redraw();
  }
}

function list(group, names) {
  return h("section", { class: `card diagnostics-${group}`, key: group },
    h("h2", null, t(`diagnostics.${group}.title`)),
    h("ul", { class: "diagnostics-list" }, names.map((name) => h("li", { key: name }, t(`diagnostics.${group}.${name}`)))));
}

customElements.define("view-diagnostics", ViewDiagnostics);
