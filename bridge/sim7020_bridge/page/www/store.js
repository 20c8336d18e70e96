/** What is known of the bridge: the contract's documents by modem, kept up to date by the stream of events. */

import { access, get } from "./api.js";
import { itIs } from "./now.js";

const RETRY = 2000;
const HIDDEN = 3000;

/** One modem as its retained documents tell, and what the stream says of `link`, `broker` and `waiting`: each is null until it came. */
class Modem {
  constructor(name) {
    this.name = name;
    this.availability = null;
    this.info = null;
    this.state = null;
    this.link = null;
    this.broker = null;
    this.waiting = null;
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
 * - `back`: the bridge can be asked again after it was lost, and has the same modems; what was asked for in between failed;
 * - `restart`: nothing of before holds, not even which modems there are;
 * - `event`, `broker`, `message`, `history`, `link`, `waiting`, `restart_needed`, `log`, `trace`: what the stream brought, in `detail`.
 */
class Store extends EventTarget {
  /** What `api/session` said: role, version, modems, base_topic, host. */
  session = null;

  /** The keys of the configuration that wait until the bridge is started again. */
  restartKeys = [];
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
    this.#begin(session);
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

  /** A modem; one that the bridge does not have has no documents. */
  modem(name) {
    return this.#modems.get(name) ?? new Modem(name);
  }

  /** Whether the configuration has such a modem. */
  knows(name) {
    return this.#modems.has(name);
  }

  /** The keys of the configuration of one modem that wait until the bridge is started again. */
  restartKeysOf(name) {
    return this.restartKeys.filter((key) => key.startsWith(`modems.${name}.`));
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
    source.onopen = () => this.#opened();
    source.onerror = () => this.#failed(source);
    source.addEventListener("restart", () => this.#restart());
    source.addEventListener("mqtt", (event) => this.#mqtt(event));
    for (const kind of ["broker", "message", "history", "link", "waiting", "restart_needed", "log", "trace"]) {
      source.addEventListener(kind, (event) => this.#document(kind, event));
    }
    if (document.hidden) this.seen(false);
  }

  async #opened() {
    const back = this.connection === "lost";
    this.#become("open");
    // Meanwhile either clock may have been set. Whoever begins has just asked.
    const session = this.#last && (await this.#ask());
    if (!session) return;
    itIs(session.time);
    // With other modems it is another run of the bridge, and a restart.
    if (back && [...this.#modems.keys()].every((name) => session.modems.includes(name))) this.dispatchEvent(new Event("back"));
  }

  async #failed(source) {
    if (source !== this.#source) return;
    this.#become("lost");
    if (source.readyState !== EventSource.CLOSED) return;
    this.#close();
    await this.#ask();
    this.#openSoon();
  }

  /** Return what `api/session` says now; null if the bridge does not answer, or nobody is logged in any more. */
  async #ask() {
    try {
      return await get("api/session");
    } catch (error) {
      // A session that ended has been told to whoever listens to `access`, and stops this.
      if (error.status === 403) access.dispatchEvent(new Event("logged_out"));
      if (error.status === 401 || error.status === 403) this.#running = false;
      return null;
    }
  }

  #openSoon() {
    if (this.#running && !this.#source) this.#timer = setTimeout(() => this.#open(), RETRY);
  }

  #become(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.dispatchEvent(new Event("connection"));
  }

  /** Begin anew: it may be another run of the bridge, with another configuration. */
  async #restart() {
    this.#close();
    const session = await this.#ask();
    if (this.#source || !this.#running) return;
    if (!session) {
      // What came last is asked for again, so that the answer is the same.
      this.#openSoon();
      return;
    }
    this.#last = null;
    this.#begin(session);
    // Whoever shows a modem that is gone goes first.
    this.dispatchEvent(new Event("restart"));
    this.#tell("change", { modem: null });
    this.#open();
  }

  #begin(session) {
    this.session = session;
    itIs(session.time);
    // Without a configuration there is nothing to be told of.
    this.#running = !session.setup;
    this.restartKeys = [];
    this.#modems = new Map(session.modems.map((name) => [name, new Modem(name)]));
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
    if (["link", "broker", "waiting"].includes(kind)) {
      this.modem(document.modem)[kind] = document;
      this.#tell("change", { modem: document.modem });
    }
    if (kind === "restart_needed") {
      this.restartKeys = document.keys;
      this.#tell("change", { modem: null });
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
