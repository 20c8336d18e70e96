/** What is known of the bridge: the contract's documents by modem, kept up to date by the stream of events. */

import { access, get } from "./api.js";

const RETRY = 2000;
const HIDDEN = 3000;

/** One modem as its retained documents tell: each is null until it came. */
class Modem {
  constructor(name) {
    this.name = name;
    this.availability = null;
    this.info = null;
    this.state = null;
    this.link = null;
    this.alerts = new Map();
    this.sockets = new Map();
  }

  take([kind, name, last], payload) {
    const document = parsed(payload);
    if (kind === "availability") this.availability = payload;
    else if (kind === "info") this.info = document;
    else if (kind === "state") this.state = document;
    else if (kind === "alert" && name) put(this.alerts, name, document);
    else if (kind === "socket" && last === "state") put(this.sockets, name, document);
    else return false;
    return true;
  }
}

/**
 * The documents, and the stream that brings them. Fires
 * - `change`: a document is another one, of the modem `detail.modem`, or of any where that is null;
 * - `connection`: `connection` is another one;
 * - `event`, `message`, `history`, `link`, `log`, `trace`: what the stream brought, in `detail`.
 */
class Store extends EventTarget {
  /** What `api/session` said: role, version, modems, base_topic, host. */
  session = null;
  /** `connecting` at first, `open`, or `lost` while it is being tried again. */
  connection = "connecting";

  #modems = new Map();
  #source = null;
  #last = null;
  #wanted = new Map();
  #timer = 0;
  #hidden = 0;
  #running = false;

  /** Listen to the bridge with the session that was given. */
  start(session) {
    this.session = session;
    // Without a configuration there is nothing to be told of.
    this.#running = !session.setup;
    for (const name of session.modems) this.modem(name);
    this.#open();
  }

  /** Stop listening, and forget everything. */
  stop() {
    this.#running = false;
    this.#close();
    this.#last = null;
    this.#modems.clear();
    this.session = null;
    this.#become("connecting");
  }

  /** All modems by name. */
  get modems() {
    return [...this.#modems.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  /** A modem; one that nobody has heard of has no documents. */
  modem(name) {
    if (!this.#modems.has(name)) this.#modems.set(name, new Modem(name));
    return this.#modems.get(name);
  }

  /** Whether the configuration has such a modem. */
  knows(name) {
    return this.#modems.has(name);
  }

  /** Whether whoever is here may do things, and not only look. */
  get full() {
    return this.session?.role === "full";
  }

  /** Have the stream bring `log` or `trace` too, until the signal is aborted. */
  want(kind, signal) {
    this.#wanted.set(kind, (this.#wanted.get(kind) ?? 0) + 1);
    this.#again();
    signal.addEventListener("abort", () => {
      this.#wanted.set(kind, this.#wanted.get(kind) - 1);
      this.#again();
    });
  }

  /** A tab that nobody looks at holds one of the few connections that a browser has for a host: give it back. */
  seen(visible) {
    clearTimeout(this.#hidden);
    if (!this.#running) return;
    if (!visible) this.#hidden = setTimeout(() => this.#close(), HIDDEN);
    else if (!this.#source || this.#source.readyState === EventSource.CLOSED) this.#open();
  }

  #again() {
    if (!this.#running || !this.#source) return;
    this.#close();
    // Views come and go in one turn; what they want together is one stream.
    this.#timer = setTimeout(() => this.#open(), 0);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #open() {
    this.#close();
    if (!this.#running) return;
    const query = new URLSearchParams();
    const kinds = [...this.#wanted].filter(([, count]) => count > 0).map(([kind]) => kind);
    if (kinds.length) query.set("with", kinds.sort().join(","));
    if (this.#last) query.set("last", this.#last);
    const source = new EventSource(`api/events${String(query) && `?${query}`}`);
    this.#source = source;
    source.onopen = () => this.#become("open");
    source.onerror = () => this.#failed(source);
    source.addEventListener("restart", () => this.#restart());
    source.addEventListener("mqtt", (event) => this.#mqtt(event));
    for (const kind of ["message", "history", "link", "log", "trace"]) {
      source.addEventListener(kind, (event) => this.#document(kind, event));
    }
    if (document.hidden) this.seen(false);
  }

  async #failed(source) {
    if (source !== this.#source) return;
    this.#become("lost");
    if (source.readyState !== EventSource.CLOSED) return;
    this.#close();
    try {
      await get("api/session");
    } catch (error) {
      // A session that ended has been told to whoever listens to `access`.
      if (error.status === 401 || error.status === 403) {
        if (error.status === 403) access.dispatchEvent(new Event("logged_out"));
        return;
      }
    }
    if (this.#running && !this.#source) this.#timer = setTimeout(() => this.#open(), RETRY);
  }

  #become(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.dispatchEvent(new Event("connection"));
  }

  #restart() {
    const names = this.session?.modems ?? [];
    this.#modems.clear();
    for (const name of names) this.modem(name);
    this.#tell("change", { modem: null });
    this.dispatchEvent(new Event("restart"));
  }

  #mqtt(event) {
    this.#last = event.lastEventId || this.#last;
    const end = event.data.indexOf("\n");
    const topic = end < 0 ? event.data : event.data.slice(0, end);
    const payload = end < 0 ? "" : event.data.slice(end + 1);
    const base = `${this.session.base_topic}/`;
    if (!topic.startsWith(base)) return;
    const [name, ...path] = topic.slice(base.length).split("/");
    if (path[0] === "event") this.#tell("event", { modem: name, ...parsed(payload) });
    else if (this.modem(name).take(path, payload)) this.#tell("change", { modem: name });
  }

  #document(kind, event) {
    this.#last = event.lastEventId || this.#last;
    const document = parsed(event.data);
    if (!document) return;
    if (kind === "link" && document.modem) {
      this.modem(document.modem).link = document;
      this.#tell("change", { modem: document.modem });
    }
    this.#tell(kind, document);
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

function parsed(payload) {
  if (!payload) return null;
  try {
    return JSON.parse(payload);
  } catch {
    return null;
  }
}

function put(map, name, document) {
  if (document) map.set(name, document);
  else map.delete(name);
}

export const store = new Store();
document.addEventListener("visibilitychange", () => store.seen(!document.hidden));
