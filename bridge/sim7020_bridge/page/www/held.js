/** What holds messages back, as far as the contract's documents say. */

import { t } from "./i18n.js";
import { condition, failing, socketError } from "./modems.js";

const PAST_BUDGET = ["high", "critical"];

/** Why a message of a priority does not leave through a socket now, in a sentence; null where nothing is known to be in the way. */
export function holding(modem, { socket, priority }) {
  const { link, usage } = modem.state ?? {};
  if (!link) return null;
  if (link.layer === "sleeping") return t("messages.held.sleeping");
  if (link.layer !== "online") return t("messages.held.link", { condition: t(`modems.condition.${link.layer}`) });
  if (usage?.left === 0 && !PAST_BUDGET.includes(priority)) return t("messages.held.budget");
  const [, failed] = failing(modem).find(([name]) => name === socket) ?? [];
  if (failed) return t("messages.held.socket", { words: socketError(failed.last_error) });
  return modem.sockets.get(socket)?.phase === "opening" ? t("messages.held.opening") : null;
}
