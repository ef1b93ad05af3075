// Rows of the live tables: they enter above and leave, and nothing moves under the pointer. What fills them is live.js.

const ROWS = 25;
const held = new Map(); // table section -> rows waiting for the pointer to leave

// --- Cells ----------------------------------------------------------------------------------------------------------------

export function put(element, ...content) {
  if (!element) return;
  const before = element.textContent;
  element.replaceChildren(...content.flat());
  if (element.textContent !== before && before.trim()) flash(element);
}

function flash(element) {
  element.classList.remove("flash");
  void element.offsetWidth;
  element.classList.add("flash");
}
document.addEventListener("animationend", (event) => event.target.classList?.remove("flash", "arrived"));

// --- Rows -----------------------------------------------------------------------------------------------------------------

export const cell = (row, name) => row.querySelector('[data-f="' + name + '"]');
export const body = (kind) => document.querySelector('tbody[data-rows="' + kind + '"]');
export const rowOf = (kind, id) => document.querySelector('tbody[data-rows="' + kind + '"] tr[data-row="' + id + '"]') || waiting(kind, id);

function waiting(kind, id) {
  const section = body(kind)?.closest("[data-table]");
  return (held.get(section) || []).find((row) => row.dataset.row === String(id));
}

export function newRow(kind, id) {
  const row = document.getElementById("row-" + kind).content.firstElementChild.cloneNode(true);
  row.dataset.row = id;
  return row;
}

const pointed = () => document.querySelector("[data-table]:hover") !== null;

/** A new row enters above; while the pointer is on a table it waits, and a counter says how many do. */
export function enter(kind, row) {
  const section = body(kind).closest("[data-table]");
  if (pointed()) {
    const rows = held.get(section) || [];
    rows.push(row);
    held.set(section, rows);
    const button = section.querySelector("[data-release]");
    button.hidden = false;
    button.querySelector("[data-held]").textContent = String(rows.length);
    return;
  }
  place(kind, row);
}

function place(kind, row) {
  const rows = body(kind);
  row.classList.add("arrived");
  for (const td of row.children) td.addEventListener("animationend", () => row.classList.remove("arrived"), { once: true });
  rows.prepend(row);
  if (kind !== "position") while (rows.children.length > ROWS) rows.lastElementChild.remove();
  window.htmx.process(row);
  counted(kind);
}

function release(section) {
  const rows = held.get(section) || [];
  held.delete(section);
  section.querySelector("[data-release]").hidden = true;
  for (const row of rows) place(section.querySelector("tbody[data-rows]").dataset.rows, row);
  if (rows.length) document.dispatchEvent(new Event("rows-placed"));
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-release]");
  if (button) release(button.closest("[data-table]"));
});
document.addEventListener("pointerover", () => {
  if (pointed()) return;
  for (const section of [...held.keys()]) release(section);
  const gone = document.querySelectorAll("tr.gone");
  for (const row of gone) row.remove();
  if (gone.length) counted("position");
});

/** A closed position leaves; while the pointer is on a table its row stays, greyed, so that nothing moves under it. */
export function leave(row) {
  const section = body("position").closest("[data-table]");
  const rows = held.get(section) || [];
  if (rows.includes(row)) {
    rows.splice(rows.indexOf(row), 1);
    section.querySelector("[data-held]").textContent = String(rows.length);
  }
  if (row.isConnected && pointed()) {
    row.classList.add("gone");
    row.dataset.profit = "0";
    row.querySelector(".act").replaceChildren();
  } else row.remove();
  counted("position");
}

export function counted(kind) {
  const rows = body(kind);
  const section = rows.closest("[data-table]");
  section.querySelector("tfoot[data-empty]").hidden = rows.children.length > 0;
  const count = section.querySelector("[data-count]");
  const living = [...rows.querySelectorAll("tr:not(.gone)")];
  if (count) put(count, String(living.length));
  if (kind === "position") {
    put(document.querySelector('[data-figure="open"]'), String(living.length));
    put(document.querySelector('[data-figure="copied"]'), String(living.filter((row) => row.dataset.copied === "1").length));
  }
}

/** The page was read anew: what waited is in it. */
export function forgetHeld() {
  held.clear();
}
