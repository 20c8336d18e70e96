/** A choice of a few, all of them in sight. */

import { h } from "./dom.js";

/** `options` are pairs of a value and its words; `heard` is called with the value that somebody chooses. */
export function segments(label, name, options, chosen, heard) {
  return h("div", { class: "segments", role: "radiogroup", "aria-label": label },
    options.map(([value, words]) => h("label", { key: value },
      h("input", { type: "radio", name, value, ".checked": value === chosen, onchange: () => heard(value) }), words)));
}
