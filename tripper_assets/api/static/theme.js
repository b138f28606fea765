// Light or dark as the visitor chose; before the first paint, so that no page flashes. Without a choice the system's counts.
(() => {
  const root = document.documentElement;
  const stored = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  apply(stored());
  root.classList.add("js");
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    const next = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", next); } catch { /* a private window keeps it for this page only */ }
    apply(next);
  });
})();
