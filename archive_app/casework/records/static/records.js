// The records by keyboard. Everything here is also in the form itself: this only saves the hand a way to the mouse.

const form = document.querySelector("[data-records]");
if (form) start(form);

function start(form) {
  const PLACE = "records-place";
  const WRITING = "input:not([type=checkbox]), textarea, select";
  const rows = [...form.querySelectorAll("[data-row]")];
  let current = -1;

  form.classList.add("has-script");

  const link = (row) => row.querySelector("[data-open]");
  const box = (row) => row.querySelector("input[name=document]");
  const chosen = () => rows.filter((row) => box(row)?.checked);

  function go(place) {
    if (!rows.length) return;
    current = Math.max(0, Math.min(place, rows.length - 1));
    for (const row of rows) row.classList.toggle("is-current", row === rows[current]);
    link(rows[current]).focus();
    rows[current].scrollIntoView({ block: "nearest" });
  }

  for (const [place, row] of rows.entries()) {
    link(row).addEventListener("focus", () => place !== current && go(place));
  }

  // What is sent comes back as this page anew: one then stands on the next row.
  form.addEventListener("submit", () => {
    const next = rows[current + 1] ?? rows[current - 1];
    sessionStorage.setItem(PLACE, JSON.stringify([next?.dataset.row ?? "", current]));
  });

  // A button for the chosen ones, pressed with nothing chosen, means the row one stands on.
  function press(selector) {
    const button = form.querySelector(selector);
    if (!button) return;
    if (!chosen().length && current >= 0 && box(rows[current])) box(rows[current]).checked = true;
    if (chosen().length) form.requestSubmit(button);
  }

  function act(ofRow, ofChosen) {
    if (chosen().length) return press(ofChosen);
    const button = rows[current]?.querySelector(ofRow);
    if (button) form.requestSubmit(button);
  }

  const KEYS = {
    j: () => go(current + 1),
    ArrowDown: () => go(current + 1),
    k: () => go(current - 1),
    ArrowUp: () => go(current - 1),
    x: () => {
      if (current >= 0 && box(rows[current])) box(rows[current]).checked = !box(rows[current]).checked;
    },
    y: () => act("[data-confirm]", "[data-confirm-chosen]"),
    a: () => act("[data-accept]", "[data-accept-chosen]"),
    t: () => form.querySelector("[data-type]")?.focus(),
    r: () => form.querySelector("[data-reason]")?.focus(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest(WRITING)) {
      if (event.key === "Escape") go(current);
      return;
    }
    const run = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : undefined;
    if (!run) return;
    event.preventDefault();
    run();
  });

  // Enter in a field means the button beside it: never the first button of the form, which is one row's.
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !event.target.matches("input:not([type=checkbox]), select")) return;
    event.preventDefault();
    press(event.target.matches("[data-reason]") ? "[data-return]" : "[data-describe]");
  });

  try {
    const [row, place] = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
    sessionStorage.removeItem(PLACE);
    const found = rows.findIndex((one) => one.dataset.row === row);
    if (place !== undefined) go(found >= 0 ? found : place);
  } catch {
    sessionStorage.removeItem(PLACE);
  }
}
