"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  // A page opened from a folder may not be allowed to remember anything.
  try { const kept = localStorage.getItem("theme"); if (kept) root.dataset.theme = kept; } catch { /* follow the system */ }
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* this visit only */ }
    label();
  });
  system.addEventListener("change", label);
  label();
})();
