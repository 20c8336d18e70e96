/** The page's frame: who may look, the header, and the view that the address asks for. */

import { ApiError, access, get, post } from "./api.js";
import { h, show } from "./dom.js";
import * as i18n from "./i18n.js";
import { ROUTES, address, match } from "./routes.js";
import { store } from "./store.js";
import { THEMES, chooseTheme, theme } from "./themes.js";
import "./parts.js";

const { t } = i18n;
const app = document.getElementById("app");
const styles = new Set();
const ASK_AGAIN = 3000; // milliseconds
const LATE = 300; // milliseconds
let turn = 0;
/** What of the address the view on the page is there for. */
let place = null;
let asking = null;
let awaited = 0;

/** Wait, and show after a moment that something is going on. */
async function waitFor(promise) {
  const late = setTimeout(() => app.setAttribute("aria-busy", "true"), LATE);
  awaited += 1;
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    awaited -= 1;
    if (!awaited) app.removeAttribute("aria-busy");
  }
}

/** Ask who is here, and show the log-in or the page. */
function boot() {
  return waitFor(begin());
}

async function begin() {
  store.stop();
  try {
    const [session] = await Promise.all([get("api/session"), i18n.texts("shell")]);
    store.start(session);
    await route(false);
  } catch (error) {
    await i18n.texts("shell").catch(() => {});
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) await logIn(error);
    else unreachable();
  }
}

async function logIn(error) {
  const mine = ++turn;
  await Promise.all([i18n.texts("login"), style("view-login"), import("./view-login.js")]);
  if (mine !== turn) return;
  clearTimeout(asking);
  document.title = `${t("login.title")} · sim7020-bridge`;
  show(
    app,
    bar([], null),
    h("main", { id: "main", class: "page narrow", key: "login" }, h("view-login", { ".refusal": error, onentered: boot })),
  );
}

/** Say that the bridge does not answer, and begin anew once it does: what failed to load is not asked for again otherwise. */
function unreachable() {
  place = null;
  const said = (key, otherwise) => (i18n.has(key) ? t(key) : otherwise);
  const words = [
    h("h1", { tabindex: "-1" }, said("shell.unreachable.title", "sim7020-bridge")),
    h("p", null, said("shell.unreachable.words", "The bridge does not answer.")),
    h("button", { class: "button", onclick: askAgain }, said("shell.retry", "Try again")),
  ];
  if (store.session) {
    frame(null, {}, h("div", { class: "stack", key: "unreachable" }, words), t("shell.unreachable.title"));
  } else {
    document.title = "sim7020-bridge";
    show(app, h("main", { class: "page narrow", key: "unreachable" }, words));
  }
  clearTimeout(asking);
  asking = setTimeout(askAgain, ASK_AGAIN);
}

async function askAgain() {
  clearTimeout(asking);
  try {
    await get("api/session");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500) {
      asking = setTimeout(askAgain, ASK_AGAIN);
      return;
    }
  }
  // A view that keeps what somebody wrote, and nobody has applied, calls it off.
  if (dispatchEvent(new Event("reloading", { cancelable: true }))) location.reload();
  else await route(false);
}

/** Show the view of the address. */
async function route(moved = true) {
  if (!store.session) return;
  const mine = ++turn;
  const found = match(location.hash);
  if (store.session.setup && found?.route.path !== "setup") {
    location.replace("#/setup");
    return;
  }
  const lost = !found || (found.route.full && !store.full) || (found.names.modem && !store.knows(found.names.modem));
  if (lost) {
    place = null;
    frame(null, {}, nowhere(found?.route.full && !store.full));
    return;
  }
  const { route: row, names } = found;
  try {
    await waitFor(Promise.all([
      i18n.texts(...row.texts, ...(names.modem ? ["modems", "alerts"] : [])),
      row.style && style(row.view),
      import(`./${row.view}.js`),
      names.modem && import("./modem-head.js"),
    ]));
  } catch {
    if (mine === turn) unreachable();
    return;
  }
  if (mine !== turn) return;
  const before = place;
  place = row.steps ? address(row.path, names) : location.hash;
  frame(row, names, h(row.view, { ...names, key: `${place} ${i18n.current()}` }));
  for (const here of document.querySelectorAll("nav [aria-current=page]")) here.scrollIntoView({ block: "nearest", inline: "nearest" });
  if (!moved || place === before) return;
  scrollTo(0, 0);
  document.querySelector("#main h1")?.focus();
}

function frame(row, names, content, said = null) {
  clearTimeout(asking);
  const title = said ?? t(row ? row.title : "shell.nowhere.title");
  document.title = [title, names.modem, "sim7020-bridge"].filter(Boolean).join(" · ");
  show(
    app,
    h("a", { class: "skip", href: "#main", onclick: skip }, t("shell.skip")),
    bar(store.session.setup ? [] : ROUTES.filter((other) => other.nav && (store.full || !other.full)), row),
    h("connection-note", { key: "connection" }),
    h(
      "main",
      { id: "main", class: "page", tabindex: "-1", key: "page" },
      names.modem ? [h("modem-head", { modem: names.modem, key: `head ${names.modem} ${i18n.current()}` }), tabs(row, names)] : null,
      content,
    ),
  );
}

function nowhere(barred) {
  return h(
    "div",
    { class: "empty", key: "nowhere" },
    h("h1", { tabindex: "-1" }, t(barred ? "shell.barred.title" : "shell.nowhere.title")),
    h("p", null, t(barred ? "shell.failed.forbidden" : "shell.nowhere.words")),
    h("p", null, h("a", { href: "#/" }, t("shell.nav.modems"))),
  );
}

function skip(event) {
  // The address belongs to the views: a jump inside the page must not change it.
  event.preventDefault();
  document.getElementById("main").focus();
}

function bar(rows, here) {
  const inside = Boolean(store.session);
  return h(
    "header",
    { class: "bar", key: "bar" },
    h(
      "div",
      { class: "bar-inner" },
      h(
        "a",
        { class: "brand", href: "#/" },
        h("img", { src: new URL("icon.svg", import.meta.url).pathname, alt: "", width: 28, height: 28 }),
        h("span", { class: "brand-name" }, "sim7020-bridge"),
        inside && store.session.host ? h("span", { class: "brand-host" }, store.session.host) : null,
      ),
      rows.length > 1
        ? h(
            "nav",
            { class: "nav", "aria-label": t("shell.nav.label") },
            rows.map((row) =>
              h("a", { key: row.path, href: address(row.path), "aria-current": current(row, here) }, t(row.nav === true ? row.title : row.nav)),
            ),
          )
        : null,
      h(
        "details",
        { class: "menu", onkeydown: closeByEscape },
        h("summary", { "aria-label": t("shell.menu"), title: t("shell.menu") }, h("app-icon", { name: "gear" })),
        menu(inside),
      ),
    ),
  );
}

function current(row, here) {
  if (row === here) return "page";
  return row.path === "" && here?.tab ? "true" : null;
}

function closeByEscape(event) {
  if (event.key !== "Escape") return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary").focus();
}

function menu(inside) {
  return h(
    "div",
    { class: "menu-body" },
    h(
      "label",
      { class: "field" },
      h("span", null, t("shell.language")),
      h(
        "select",
        { onchange: (event) => speak(event.target.value) },
        Object.entries(i18n.LANGUAGES).map(([code, name]) => h("option", { value: code, lang: code, selected: code === i18n.current() }, name)),
      ),
    ),
    h(
      "label",
      { class: "field" },
      h("span", null, t("shell.theme.label")),
      h(
        "select",
        { onchange: (event) => chooseTheme(event.target.value) },
        THEMES.map((name) => h("option", { value: name, selected: name === theme() }, t(`shell.theme.${name}`))),
      ),
    ),
    inside && store.session.password ? h("button", { class: "button wide", onclick: logOut }, t("shell.log_out")) : null,
    inside ? h("p", { class: "quiet small" }, t("shell.version", { version: store.session.version }), store.full ? null : [" · ", t("shell.read_only")]) : null,
  );
}

async function speak(code) {
  i18n.choose(code);
  await i18n.texts("shell");
  if (store.session) await route(false);
  else await boot();
}

async function logOut() {
  try {
    await post("api/logout");
  } finally {
    await boot();
  }
}

function tabs(here, names) {
  const rows = ROUTES.filter((row) => row.tab && (store.full || !row.full));
  if (rows.length < 2) return null;
  return h(
    "nav",
    { class: "tabs", "aria-label": t("shell.tab.label", { modem: names.modem }), key: "tabs" },
    rows.map((row) => h("a", { key: row.path, href: address(row.path, names), "aria-current": row === here ? "page" : null }, t(row.title))),
  );
}

function style(name) {
  if (styles.has(name)) return null;
  styles.add(name);
  return new Promise((resolve) => {
    const link = h("link", { rel: "stylesheet", href: new URL(`${name}.css`, import.meta.url).pathname, onload: resolve, onerror: missed });
    // After the sheets that the document has, which a view refines.
    document.body.append(link);
    function missed() {
      styles.delete(name);
      link.remove();
      resolve();
    }
  });
}

addEventListener("hashchange", () => route());
store.addEventListener("restart", () => route(false));
access.addEventListener("logged_out", () => {
  if (store.session) boot();
});
document.addEventListener("click", (event) => {
  const open = document.querySelector("details.menu[open]");
  if (open && !open.contains(event.target)) open.open = false;
});
boot();
