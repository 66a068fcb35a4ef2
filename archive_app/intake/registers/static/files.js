// Dropping the folder of a register: ask which files are there already, send the others one after the other, then have
// them matched. After a break the same folder is dropped again, and only what is missing is sent.

const desk = document.querySelector("[data-register-files]");
if (desk) start(desk);

function start(desk) {
  const texts = desk.dataset;
  const token = document.querySelector("meta[name=csrf-token]").content;
  const status = desk.querySelector("[data-register-status]");
  const bar = desk.querySelector("[data-register-bar]");
  const refused = desk.querySelector("[data-register-refused]");
  let busy = false;

  desk.classList.add("has-script");
  for (const button of desk.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => desk.querySelector(button.dataset.choose).click());
  }
  for (const input of desk.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => take(input));
    if (input.files.length) take(input);
  }
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    // Entries must be taken out synchronously; the list is empty after the first await.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...event.dataTransfer.files];
    const found = [];
    for (const entry of entries) await collect(entry, found);
    send(entries.length ? found : files.map((file) => ({ file, path: file.name })));
  });

  function take(input) {
    const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    input.value = "";
    send(files);
  }

  async function collect(entry, found) {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, path: entry.fullPath.replace(/^\//, "") });
      return;
    }
    const reader = entry.createReader();
    // A directory gives its entries in portions of at most 100.
    for (;;) {
      const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!portion.length) break;
      for (const child of portion) await collect(child, found);
    }
  }

  async function send(files) {
    if (busy || !files.length) return;
    busy = true;
    window.addEventListener("beforeunload", warn);
    const complete = await sendAll(files);
    window.removeEventListener("beforeunload", warn);
    busy = false;
    // What was refused stays readable; matching then waits for the person.
    if (complete && !refused.children.length) desk.querySelector("[data-register-match]").requestSubmit();
  }

  async function sendAll(files) {
    let done = 0;
    bar.max = files.length;
    bar.hidden = status.hidden = false;
    for (let first = 0; first < files.length; first += 500) {
      const portion = files.slice(first, first + 500);
      const known = await ask(portion);
      if (known === null) return false;
      for (const [place, { file, path }] of portion.entries()) {
        if (!known[place] && !(await sendOne(file, path))) return false;
        done += 1;
        bar.value = done;
        say(texts.progress.replace("{done}", done).replace("{all}", files.length));
      }
    }
    return true;
  }

  async function ask(portion) {
    const body = { files: portion.map(({ file, path }) => ({ path, size: file.size })) };
    try {
      const answer = await fetch(texts.known, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": token, Accept: "application/json" },
        body: JSON.stringify(body),
      });
      const told = await answer.json();
      if (answer.ok) return told;
      say(told.detail);
    } catch {
      say(texts.offline);
    }
    return null;
  }

  // False when the line broke; a file that is refused is listed, and the next one is sent.
  async function sendOne(file, path) {
    const address = new URL(texts.content, window.location.href);
    address.searchParams.set("path", path);
    address.searchParams.set("modified", file.lastModified);
    try {
      const answer = await fetch(address, {
        method: "PUT",
        headers: {
          "Content-Type": file.type || "application/octet-stream",
          "X-CSRF-Token": token,
          Accept: "application/json",
        },
        body: file,
      });
      if (answer.status !== 201) {
        const line = document.createElement("li");
        const { detail } = await answer.json();
        line.textContent = texts.refused.replace("{name}", path).replace("{reason}", detail);
        refused.append(line);
      }
      return true;
    } catch {
      say(texts.offline);
      return false;
    }
  }

  function say(text) {
    status.hidden = false;
    status.textContent = text;
  }

  function warn(event) {
    event.preventDefault();
  }
}
