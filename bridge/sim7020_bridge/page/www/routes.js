/**
 * Which part of the address shows which view. A row has
 * - `path`: what follows `#/`; a word after a colon stands for a name, which the element gets as an attribute;
 * - `view`: the custom element, in `<view>.js`, imported when it is needed first; with `style`, also `<view>.css`;
 * - `texts`: the parts of `lang/` that it needs;
 * - `steps`: what follows a question mark in its address is a step of the view's own, which stays the same one;
 * - `title`: the key of its title; `nav` or `tab`: it is listed in the main navigation, or in a modem's;
 * - `full`: only for whoever may do things.
 */
export const ROUTES = [
  { path: "", view: "view-glance", style: true, texts: ["modems", "alerts", "glance"], title: "shell.nav.modems", nav: true },
  { path: "modem/:modem", view: "view-modem", style: true, texts: ["modem", "refusals"], title: "shell.tab.overview", tab: true },
  { path: "modem/:modem/messages", view: "view-messages", style: true, texts: ["messages", "refusals"], title: "shell.tab.messages", tab: true },
  { path: "modem/:modem/live", view: "view-live", style: true, texts: ["live"], title: "shell.tab.live", tab: true },
  { path: "modem/:modem/actions", view: "view-actions", style: true, texts: ["actions", "refusals"], title: "shell.tab.actions", tab: true, full: true },
  { path: "configuration", view: "view-configuration", style: true, texts: ["configuration"], title: "shell.nav.configuration", nav: true, full: true },
  { path: "setup", view: "view-setup", style: true, steps: true, texts: ["setup", "alerts", "advice"], title: "shell.nav.setup", nav: true, full: true },
  { path: "diagnostics", view: "view-diagnostics", style: true, texts: ["diagnostics"], title: "shell.nav.diagnostics", nav: true, full: true },
];

/** Return the row and the names that an address stands for, or null. */
export function match(hash) {
  const parts = hash.replace(/^#\/?|\?.*$/g, "").split("/").filter(Boolean);
  for (const route of ROUTES) {
    const wanted = route.path.split("/").filter(Boolean);
    if (wanted.length !== parts.length) continue;
    const names = {};
    const fits = wanted.every((word, n) => {
      if (!word.startsWith(":")) return word === parts[n];
      names[word.slice(1)] = decoded(parts[n]);
      return true;
    });
    if (fits) return { route, names };
  }
  return null;
}

/** The address of a row, with names in their places. */
export function address(path, names = {}) {
  return `#/${path.replace(/:(\w+)/g, (whole, name) => encodeURIComponent(names[name] ?? ""))}`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
