/** A message as a row of the table; on a phone, where there is no room for columns, as a card. */

import { h } from "./dom.js";
import { clock, t } from "./i18n.js";
import { cancelled, direction, payloadLine, stateBadge, topicWords } from "./message-words.js";
import { refusal } from "./refusal.js";

/** Draw a message; `open` is called to have all of it shown. */
export function messageRow(message, open) {
  const { topic } = message;
  return h("tr", { key: message.n, role: "row", "data-n": message.n, ".message": message, class: `message ${message.direction}`, onclick: (event) => opens(event) && open() },
    cell("time", h("button", { type: "button", class: "open", "aria-haspopup": "dialog" },
      h("time", { datetime: message.at }, clock(message.at)), h("span", { class: "hidden-words" }, t("messages.open")))),
    cell("direction", direction(message)),
    cell("socket", message.socket),
    cell(topic === null ? "topic none" : "topic", topic === null ? "–" : topicWords(topic)),
    cell("payload", payloadLine(message), " ", size(message)),
    cell("state", stateBadge(message), attempts(message), cancelled(message) ? null : trouble(message)));
}

/** The whole row leads to the message, unless somebody marks words in it. */
function opens(event) {
  return event.target.closest("button") || (getSelection()?.isCollapsed ?? true);
}

function cell(column, ...children) {
  return h("td", { role: "cell", class: `cell column-${column}` }, children);
}

function size({ bytes }) {
  return bytes ? h("span", { class: "quiet small size" }, t("messages.bytes", { count: bytes })) : null;
}

function attempts({ attempts: made }) {
  return made > 1 ? h("span", { class: "quiet small" }, t("messages.tries", { count: made })) : null;
}

function trouble({ error }) {
  return error ? h("div", { class: "trouble" }, refusal(error, { quoted: false })) : null;
}
