/** Why something was refused: in the reader's language as far as the code is known, and in the bridge's own words. */

import { h } from "./dom.js";
import { current, has, t } from "./i18n.js";
import { capital, oneLine } from "./payload.js";

/**
 * Words for the `code` and `message` of a receipt, a response or an `ApiError`; needs the texts `refusals`.
 * Unless they are to be `quoted`, the bridge's own words only stand for a code that nobody translated. To whom they are
 * in the same language they say all of it, and nothing is said twice; `both` are for where the short words stood before.
 */
export function refusal({ code, message }, { quoted = true, both = false } = {}) {
  const key = `refusals.${code}`;
  if (quoted && !both && message && current() === "en") return h("span", null, sentence(oneLine(message)));
  return [
    has(key) ? h("span", null, t(key), " ") : null,
    message && (quoted || !has(key)) ? h("span", { class: "quiet", lang: "en" }, oneLine(message)) : null,
  ];
}

function sentence(words) {
  return `${capital(words)}${/[.!?…]$/.test(words) ? "" : "."}`;
}
