// The inbox by keyboard. Everything here is also in the form itself: this only saves the hand a way to the mouse.

const form = document.querySelector("[data-inbox]");
if (form) start(form);

function start(form) {
  const rows = [...form.querySelectorAll("[data-row]")];
  const preview = form.querySelector("[data-preview]");
  const seek = form.querySelector("[data-seek]");
  const choices = form.querySelector("[data-choices]");
  const reason = form.querySelector("[data-reason]");
  const PLACE = "inbox-place";
  let current = -1;
  let asked = 0;

  form.classList.add("has-script");

  function go(place) {
    if (!rows.length) return;
    current = Math.max(0, Math.min(place, rows.length - 1));
    for (const row of rows) row.classList.toggle("is-current", row === rows[current]);
    rows[current].querySelector("[data-open]").focus();
    rows[current].scrollIntoView({ block: "nearest" });
    sessionStorage.setItem(PLACE, String(current));
    show(rows[current]);
  }

  async function show(row) {
    const mine = (asked += 1);
    // Whoever runs down the list does not want a picture of every file on the way.
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (mine !== asked) return;
    const content = row.dataset.picture ? picture(row) : await text(row);
    if (mine !== asked) return;
    preview.replaceChildren(content);
    preview.hidden = false;
  }

  function picture(row) {
    const image = document.createElement("img");
    image.alt = row.querySelector("[data-open]").textContent;
    image.src = row.dataset.picture;
    image.addEventListener("error", () => image.replaceWith(words(form.dataset.noPreview)));
    return image;
  }

  async function text(row) {
    if (!row.dataset.text) return words(form.dataset.noPreview);
    try {
      const answer = await fetch(row.dataset.text, { headers: { Accept: "application/json" } });
      if (!answer.ok) return words(form.dataset.noPreview);
      const block = document.createElement("pre");
      block.textContent = await answer.text();
      return block;
    } catch {
      return words(form.dataset.noPreview);
    }
  }

  function words(said) {
    const line = document.createElement("p");
    line.textContent = said;
    return line;
  }

  const box = (row) => row.querySelector("input[name=file]");
  const marked = () => rows.filter((row) => box(row)?.checked);

  function markCurrent() {
    if (!marked().length && current >= 0 && box(rows[current])) box(rows[current]).checked = true;
    return marked().length > 0;
  }

  // A button pressed with nothing marked means the file one stands on.
  form.addEventListener("submit", (event) => {
    if (event.submitter?.formMethod !== "get" && !markCurrent()) event.preventDefault();
  });

  for (const [place, row] of rows.entries()) {
    row.querySelector("[data-open]").addEventListener("focus", () => place !== current && go(place));
    row.addEventListener("click", (event) => {
      if (event.target.closest("input, label, .inbox-document")) return;
      event.preventDefault();
      go(place);
    });
  }

  const radios = () => [...choices.querySelectorAll("input[type=radio]")];

  function choose(step) {
    const all = radios();
    if (!all.length) return;
    const here = all.findIndex((radio) => radio.checked);
    all[(here + step + all.length) % all.length].checked = true;
  }

  let waiting;
  let sought = 0;
  seek?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 150);
  });

  async function find() {
    const mine = (sought += 1);
    let found;
    try {
      const answer = await fetch(`${form.dataset.engagements}?text=${encodeURIComponent(seek.value)}`, {
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) return;
      found = await answer.json();
    } catch {
      return;
    }
    if (mine !== sought) return;
    choices.replaceChildren(...found.map(choice));
    if (found.length) radios()[0].checked = true;
    else choices.append(Object.assign(document.createElement("li"), { textContent: form.dataset.none }));
  }

  function choice({ id, number, title, client }) {
    const item = document.createElement("li");
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "engagement", value: id });
    radio.className = "form-check-input";
    const name = Object.assign(document.createElement("span"), { textContent: `${number} ${title}` });
    const whose = Object.assign(document.createElement("small"), { textContent: client });
    label.append(radio, " ", name, " ", whose);
    item.append(label);
    return item;
  }

  seek?.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!radios().some((radio) => radio.checked)) choose(1);
      if (radios().some((radio) => radio.checked)) form.requestSubmit(form.querySelector("[data-file]"));
    }
  });

  // Enter in the reason means the button beside it, not the first button of the form.
  reason?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-discard]"));
  });

  const KEYS = {
    j: () => go(current + 1),
    ArrowDown: () => go(current + 1),
    k: () => go(current - 1),
    ArrowUp: () => go(current - 1),
    x: () => {
      const mark = rows[current] && box(rows[current]);
      if (mark) mark.checked = !mark.checked;
    },
    Enter: () => seek?.focus(),
    d: () => reason?.focus(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && event.target.closest("[data-seek], [data-reason], [data-choices]")) return go(current);
    if (event.target.closest("input, textarea, select, button, summary, [contenteditable], a:not([data-open])")) return;
    if (/^[1-9]$/.test(event.key)) {
      const radio = choices?.querySelector(`[data-last="${event.key}"]`);
      if (!radio || !markCurrent()) return;
      radio.checked = true;
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-file]"));
      return;
    }
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  go(Number(sessionStorage.getItem(PLACE) ?? 0));
}
