// What every page needs: dialogs, holding, keys, the theme, steppers, relative times. No inline handlers anywhere.
(function () {
  "use strict";
  const root = document.documentElement;
  const words = () => JSON.parse(document.getElementById("portal-data")?.textContent || "{}").words || {};

  // --- Dialogs ---------------------------------------------------------------------------------------------------------
  let opener = null; // what has the focus again when the dialog closes
  let asker = null; // the link that has just been followed

  function openDialogIn(place) {
    const dialog = place.querySelector("dialog");
    if (!dialog || dialog.open) return;
    dialog.showModal();
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (opener && opener.isConnected) opener.focus();
      opener = null;
    });
    dialog.querySelector("[autofocus], input:not([type=hidden]):not([type=radio]), select")?.focus();
  }

  function closeDialog() {
    document.querySelector("dialog[open]")?.close();
  }

  function showTemplate(id) {
    const place = document.getElementById("dialog-place");
    const template = document.getElementById(id);
    if (!place || !template) return;
    opener = document.activeElement;
    place.replaceChildren(template.content.cloneNode(true));
    openDialogIn(place);
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!document.querySelector("dialog[open]")) opener = asker || event.detail.elt;
    asker = null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "dialog-place") openDialogIn(event.detail.target);
    prepare(event.detail.target);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-dialog]")) closeDialog();
    else if (event.target.closest("[data-show-keys]")) showTemplate("keys-dialog");
    else if (event.target.closest("[data-toggle-theme]")) toggleTheme();
    const step = event.target.closest("[data-step-by]");
    if (step) stepBy(step);
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // --- Buttons in rows that are drawn anew ---------------------------------------------------------------------------
  // News may come before the answer to a row's button and take the row away, and with it whatever asked: the answer would
  // then be shown nowhere. So the place for dialogs asks, which stays.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || !window.htmx || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    asker = link;
    window.htmx.ajax("GET", link.href, { source: "#dialog-place", target: "#dialog-place" });
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-send]");
    if (!form || !window.htmx) return;
    event.preventDefault();
    const button = event.submitter;
    if (button) button.disabled = true;
    const values = Object.fromEntries(new FormData(form));
    window.htmx.ajax("POST", form.action, { source: "#dialog-place", target: "#dialog-place", values }).finally(() => {
      if (button) button.disabled = false;
    });
  });

  // --- What the server could not answer --------------------------------------------------------------------------------
  function say(tone, text) {
    const place = document.getElementById("notices");
    if (!place || !text) return;
    const notice = document.createElement("div");
    notice.className = "notice notice-" + tone;
    notice.setAttribute("role", tone === "bad" ? "alert" : "status");
    notice.textContent = text;
    place.prepend(notice);
    window.setTimeout(() => notice.remove(), 12000);
  }
  window.portalSay = say;

  document.addEventListener("htmx:sendError", () => say("bad", words().failed));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const type = event.detail.xhr.getResponseHeader("Content-Type") || "";
    if (!type.startsWith("text/html")) {
      event.detail.shouldSwap = false;
      if (event.detail.xhr.status >= 400) say("bad", words().failed);
    }
  });

  // --- Theme -----------------------------------------------------------------------------------------------------------
  function toggleTheme() {
    root.dataset.themeChoice = root.dataset.bsTheme === "dark" ? "light" : "dark";
    document.cookie = "ct_theme=" + root.dataset.themeChoice + ";path=/;max-age=31536000;samesite=lax";
    window.applyTheme();
  }

  // --- Holding: what cannot be undone is held for a second, by pointer or key -------------------------------------------
  const HOLD = 1000;
  let holding = null;

  function holdStart(button) {
    if (holding) return;
    button.classList.add("holding");
    holding = {
      button,
      timer: window.setTimeout(() => {
        holdEnd();
        button.form.requestSubmit(button);
      }, HOLD),
    };
  }

  function holdEnd() {
    if (!holding) return;
    window.clearTimeout(holding.timer);
    holding.button.classList.remove("holding");
    holding = null;
  }

  document.addEventListener("pointerdown", (event) => {
    const button = event.target.closest("[data-hold]");
    if (button && event.button === 0) holdStart(button);
  });
  for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, holdEnd, true);
  document.addEventListener("pointerout", (event) => {
    if (holding && event.target === holding.button && !holding.button.contains(event.relatedTarget)) holdEnd();
  });
  document.addEventListener("click", (event) => {
    // A plain click does not do it; the script's own submit does not come as a click.
    if (event.target.closest("[data-hold]")) event.preventDefault();
  });
  document.addEventListener("contextmenu", (event) => {
    if (event.target.closest("[data-hold]")) event.preventDefault();
  });

  // --- Keys ------------------------------------------------------------------------------------------------------------
  let goes = 0;

  document.addEventListener("keydown", (event) => {
    const onHold = event.target.closest?.("[data-hold]");
    if (onHold && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      if (!event.repeat) holdStart(onHold);
      return;
    }
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
    if (event.key === "?") showTemplate("keys-dialog");
    else if (event.key === "t" && !recent()) toggleTheme();
    else if (event.key === "/") {
      const first = document.querySelector("main [data-first-field], main input:not([type=hidden]), main select");
      if (first) {
        event.preventDefault();
        first.focus();
      }
    } else if (event.key === "g") goes = Date.now();
    else if (recent()) {
      const target = document.querySelector('.nav-main [data-key="' + CSS.escape(event.key) + '"]');
      goes = 0;
      if (target) window.location.assign(target.href);
    }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key === "Enter" || event.key === " ") holdEnd();
  });

  function recent() {
    return Date.now() - goes < 1500;
  }

  // --- Volume steppers: whole steps, computed in whole numbers ----------------------------------------------------------
  function stepBy(button) {
    const box = button.closest("[data-stepper]");
    const input = box.querySelector("input");
    const digits = (box.dataset.step.split(".")[1] || "").length;
    const scale = 10 ** digits;
    const units = (text) => Math.round(Number(String(text).replace(",", ".")) * scale);
    const step = units(box.dataset.step);
    const now = units(input.value) || 0;
    const by = Number(button.dataset.stepBy);
    const next = by > 0 ? Math.floor(now / step) * step + step : Math.ceil(now / step) * step - step;
    const bounded = Math.min(Math.max(next, units(box.dataset.min)), units(box.dataset.max));
    input.value = (bounded / scale).toFixed(digits);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // --- Fields that belong to a choice ----------------------------------------------------------------------------------
  function showDependent(scope) {
    for (const [attribute, name] of [["forMode", "volume_mode"], ["forSymbols", "symbols_mode"]]) {
      for (const box of scope.querySelectorAll("[data-" + (attribute === "forMode" ? "for-mode" : "for-symbols") + "]")) {
        const chosen = box.closest("form")?.elements[name];
        if (chosen) box.hidden = !box.dataset[attribute].split(" ").includes(chosen.value);
      }
    }
    // `data-when="name value value"`: shown while the field of that name has one of the values.
    for (const box of scope.querySelectorAll("[data-when]")) {
      const [name, ...values] = box.dataset.when.split(" ");
      const chosen = box.closest("form")?.elements[name];
      if (chosen) box.hidden = !values.includes(chosen.value);
    }
  }
  document.addEventListener("change", (event) => {
    if (event.target.form) showDependent(event.target.form);
  });

  // --- Limits that others set too: whose holds, said anew while somebody types (as `limit_field` says it first) ---------
  function showWhose(input) {
    const note = document.getElementById(input.id + "-limit");
    if (!note) return;
    const own = Number(input.value.trim().replace(",", ".")) || 0;
    const bound = Number(note.dataset.limit);
    const tight = own > 0 && (!bound || ("largest" in note.dataset ? own >= bound : own <= bound));
    for (const words of note.querySelectorAll("[data-holds]")) {
      words.hidden = words.dataset.holds === "own" ? !tight : tight;
    }
  }
  document.addEventListener("input", (event) => {
    if (event.target.id) showWhose(event.target);
  });

  // --- Relative times --------------------------------------------------------------------------------------------------
  function ago(at) {
    const w = words();
    const seconds = Math.floor((Date.now() - at) / 1000);
    if (seconds < 5) return w.now;
    for (const [size, word] of [[86400, w.d], [3600, w.h], [60, w.min], [1, w.s]]) {
      if (seconds >= size) return word.replace("%(n)s", String(Math.floor(seconds / size)));
    }
    return w.now;
  }
  window.portalAgo = ago;

  function refreshTimes() {
    if (!words().now) return;
    for (const time of document.querySelectorAll("main time[datetime]")) {
      const text = ago(Date.parse(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  }

  function prepare(scope) {
    showDependent(scope);
  }

  document.addEventListener("DOMContentLoaded", () => {
    prepare(document);
    const place = document.getElementById("dialog-place");
    if (place) openDialogIn(place);
    refreshTimes();
    window.setInterval(refreshTimes, 5000);
  });
})();
