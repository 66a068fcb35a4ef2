// Suggestions under the search box, after the combobox pattern of the ARIA Authoring Practices: the focus stays in the
// box, the arrows walk through the list, Enter follows what is chosen or searches for what is typed, Escape closes.
// Without this script the box is an ordinary search form.
const WAIT_MS = 150;
const MOST_RECENT = 8;
const SHOWN_RECENT = 4;

// Recent searches stay in this browser, each person's by themselves.
const recentKey = (box) => `lantai-recent-${box.dataset.person}`;

function readRecent(box) {
  try {
    const kept = JSON.parse(localStorage.getItem(recentKey(box)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((entry) => typeof entry === "string") : [];
  } catch {
    return [];
  }
}

function keepRecent(box, text) {
  const words = text.trim();
  if (!words) return;
  const kept = [words, ...readRecent(box).filter((entry) => entry !== words)].slice(0, MOST_RECENT);
  try {
    localStorage.setItem(recentKey(box), JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing suggests nothing recent.
  }
}

function combine(form) {
  const box = form.querySelector("input[name=q]");
  const list = form.querySelector("[data-suggestions]");
  const status = form.querySelector("[data-suggestions-status]");
  let running = null;
  let timer = 0;
  let active = -1;

  // A search field may not be a combobox; its look and its keyboard stay.
  box.type = "text";
  box.inputMode = "search";
  box.enterKeyHint = "search";
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");
  box.setAttribute("aria-controls", list.id);

  const options = () => [...list.children];
  const isOpen = () => !list.hidden;

  function close() {
    clearTimeout(timer);
    running?.abort();
    running = null;
    list.hidden = true;
    active = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
    status.textContent = "";
  }

  function point(place) {
    options()[active]?.setAttribute("aria-selected", "false");
    active = place;
    const option = options()[active];
    if (!option) {
      box.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }

  function line(suggestion, place) {
    const option = document.createElement("li");
    option.id = `${list.id}-${place}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.href = suggestion.href;
    for (const [name, words] of [["words", suggestion.words], ["label", suggestion.label]]) {
      const part = document.createElement("span");
      part.className = `suggestion-${name}`;
      part.textContent = words;
      option.append(part, " ");
    }
    return option;
  }

  function show(suggestions) {
    list.replaceChildren(...suggestions.map(line));
    if (!suggestions.length || document.activeElement !== box) {
      close();
      return;
    }
    active = -1;
    list.hidden = false;
    box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-expanded", "true");
    status.textContent = box.dataset.suggestionsCount.replace("{count}", suggestions.length);
  }

  function recent(typed) {
    const fitting = readRecent(box).filter((entry) => entry !== typed && entry.includes(typed));
    return fitting.slice(0, SHOWN_RECENT).map((entry) => ({
      words: entry,
      label: box.dataset.recent,
      href: `${form.action}?${new URLSearchParams({ q: entry })}`,
    }));
  }

  async function ask() {
    running?.abort();
    running = new AbortController();
    const typed = box.value.trim();
    const { signal } = running;
    try {
      const address = `${box.dataset.suggest}?${new URLSearchParams({ q: typed })}`;
      const answer = await fetch(address, { signal, headers: { Accept: "application/json" } });
      if (answer.ok) show([...recent(typed), ...(await answer.json())]);
      else close();
    } catch {
      // Superseded by further typing, or the connection broke: searching works all the same.
      if (!signal.aborted) close();
    }
  }

  function askSoon() {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  }

  function follow(option) {
    const { href } = option.dataset;
    close();
    location.assign(href);
  }

  const keys = {
    ArrowDown: () => (isOpen() ? point((active + 1) % options().length) : ask()),
    ArrowUp: () => isOpen() && point((active <= 0 ? options().length : active) - 1),
    Escape: () => isOpen() && close(),
    Enter: () => isOpen() && options()[active] && follow(options()[active]),
  };

  box.addEventListener("keydown", (event) => {
    // While characters are being composed, the keys belong to the input method.
    if (event.isComposing || event.ctrlKey || event.metaKey || event.shiftKey || !keys[event.key]) return;
    const mine = event.key === "ArrowDown" || (event.key === "Enter" ? isOpen() && active >= 0 : isOpen());
    if (!mine) return;
    event.preventDefault();
    keys[event.key]();
  });
  box.addEventListener("input", (event) => {
    if (!event.isComposing) askSoon();
  });
  box.addEventListener("compositionend", askSoon);
  box.addEventListener("blur", close);
  form.addEventListener("submit", () => keepRecent(box, box.value));
  // Pressing the mouse would take the focus out of the box before the click arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) follow(option);
  });
}

const form = document.querySelector("form.search-box");
if (form) combine(form);

const forget = document.querySelector("[data-recent-forget]");
if (form && forget) {
  forget.hidden = false;
  forget.querySelector("button").addEventListener("click", () => {
    localStorage.removeItem(recentKey(form.querySelector("input[name=q]")));
    forget.hidden = true;
    form.querySelector("input[name=q]").focus();
  });
}
