// Runs before the first paint, so that nobody who chose dark sees a white flash.
{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const follow = () => {
    if (root.dataset.chosen === "system") root.dataset.theme = dark.matches ? "dark" : "light";
  };
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
  } catch {
    // A browser that keeps nothing follows the system.
  }
  root.dataset.chosen = chosen === "light" || chosen === "dark" ? chosen : "system";
  root.dataset.theme = chosen === "dark" ? "dark" : "light";
  follow();
  dark.addEventListener("change", follow);
}
