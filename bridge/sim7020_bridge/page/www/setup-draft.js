/** What was answered in the set-up so far. It outlives the view and a reload; secrets are never kept outside the page. */

import { CARRIERS } from "./carriers.js";

const PLACE = "setup";
const SECRETS = ["apnPassword", "pin", "password", "pagePassword"];

export const draft = {
  step: "port", port: "", baudrate: "", probed: null, apnFound: null,
  name: "modem", carrier: "", apn: "", apnUsername: "", apnPassword: "", pin: "",
  host: "localhost", brokerPort: "", tls: false, username: "", password: "", protocol: "5", tried: null,
  withSocket: false, socket: "telemetry", socketProtocol: "udp", socketHost: "", socketPort: "",
  internet: true, probeHost: "", timeout: "120",
  pagePassword: "", given: null, passwordWanted: false, pinWanted: false,
  /** Secrets that were answered before the page was loaded anew, and not since. */
  missing: [],
};

/** Take changes of the draft. */
export function keep(changes) {
  Object.assign(draft, changes);
  draft.missing = draft.missing.filter((key) => !(key in changes));
  const { probed, given, ...kept } = draft;
  for (const key of SECRETS) delete kept[key];
  store({
    ...kept,
    probed: probed && { well: probed.well, found: [...probed.found] },
    missing: SECRETS.filter((key) => draft.missing.includes(key) || (draft[key] && draft[key] !== known(key))),
  });
}

/** Forget what was kept for a reload: it is done. */
export function forget() {
  store(null);
}

/** A secret that is none: the carriers tell everybody. */
function known(key) {
  return key === "apnPassword" ? (CARRIERS[draft.carrier]?.[2] ?? "") : "";
}

function restore() {
  try {
    const { probed, ...kept } = JSON.parse(sessionStorage.getItem(PLACE)) ?? {};
    Object.assign(draft, kept);
    if (probed) draft.probed = { well: probed.well, found: new Map(probed.found) };
  } catch {
    // Not allowed to keep anything, or not by this page: it begins anew.
  }
  if (!draft.missing.includes("apnPassword")) draft.apnPassword = known("apnPassword");
  if (draft.missing.includes("password")) draft.tried = null;
}

function store(kept) {
  try {
    if (kept) sessionStorage.setItem(PLACE, JSON.stringify(kept));
    else sessionStorage.removeItem(PLACE);
  } catch {
    // Private windows may forbid it: the draft lasts as long as the page.
  }
}

restore();
