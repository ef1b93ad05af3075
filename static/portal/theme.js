// Runs before the first paint: the chosen theme, or the system's, and the browser's zone for the server's times.
(function () {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function apply() {
    const choice = root.dataset.themeChoice;
    root.dataset.bsTheme = choice === "dark" || (choice !== "light" && dark.matches) ? "dark" : "light";
  }

  apply();
  dark.addEventListener("change", apply);
  window.applyTheme = apply;

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    document.cookie = "ct_zone=" + encodeURIComponent(zone) + ";path=/;max-age=31536000;samesite=lax";
  }
})();
