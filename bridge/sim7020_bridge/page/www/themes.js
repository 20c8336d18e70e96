/** Light, dark, or as the system has it: `data-chosen` of the root is what was chosen, `data-theme` what that comes to. */

export const THEMES = ["system", "light", "dark"];

/** Hears `change` when the colours of the page do. */
export const colours = new EventTarget();

/** What was chosen. */
export function theme() {
  return document.documentElement.dataset.chosen;
}

/** Choose, for this browser, for good. */
export function chooseTheme(name) {
  const { dataset } = document.documentElement;
  dataset.chosen = name;
  dataset.theme = name === "system" ? (system.matches ? "dark" : "light") : name;
  try {
    if (name === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", name);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

const system = matchMedia("(prefers-color-scheme: dark)");
new MutationObserver(() => colours.dispatchEvent(new Event("change"))).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
