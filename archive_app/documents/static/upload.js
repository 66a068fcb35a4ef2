// Dropping files anywhere on the engagement's page: announce the list, send one file after the other, show progress.
// The list itself lives on the server; after a reload it is there again, and dropping the same files goes on with it.

const desk = document.querySelector("[data-upload-desk]");
if (desk) start(desk);

function start(desk) {
  const texts = desk.dataset;
  const table = desk.querySelector("[data-upload-list]");
  const fold = desk.querySelector("[data-upload-filed]");
  const template = desk.querySelector("template");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const queue = [];
  let sending = false;

  desk.classList.add("has-script");
  for (const input of desk.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => take(input));
  }
  for (const button of desk.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => desk.querySelector(button.dataset.choose).click());
  }

  let depth = 0;
  const holdsFiles = (event) => [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!holdsFiles(event)) return;
    depth += 1;
    document.body.classList.add("is-dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!holdsFiles(event)) return;
    depth -= 1;
    if (depth <= 0) document.body.classList.remove("is-dropping");
  });
  document.addEventListener("dragover", (event) => {
    if (holdsFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("is-dropping");
    // Entries must be taken out synchronously; the list is empty after the first await.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...event.dataTransfer.files];
    const found = [];
    for (const entry of entries) await collect(entry, found);
    // Without entries there are no folders, only the files themselves.
    offer(entries.length ? found : files.map((file) => ({ file, path: file.name })));
  });

  function take(input) {
    offer([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    input.value = "";
  }

  async function collect(entry, found) {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    } else {
      const reader = entry.createReader();
      // A directory gives its entries in portions of at most 100.
      for (;;) {
        const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!portion.length) break;
        for (const child of portion) await collect(child, found);
      }
    }
  }

  async function offer(files) {
    for (let start = 0; start < files.length; start += 500) await announce(files.slice(start, start + 500));
    pump();
  }

  async function announce(files) {
    const field = (name) => desk.querySelector(`[name=${name}]`)?.value ?? "";
    const body = {
      files: files.map(({ file, path }) => ({ path, size: file.size, modified: file.lastModified })),
      activity: field("activity"),
      originator: field("originator"),
      source_system: field("source_system"),
      document_id: texts.documentId ?? "",
    };
    let answer;
    try {
      answer = await fetch(texts.announce, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": token, Accept: "application/json" },
        body: JSON.stringify(body),
      });
    } catch {
      return say(texts.offline);
    }
    const told = await answer.json();
    if (!answer.ok) return say(told.detail);
    told.forEach((line, place) => {
      const row = show(line);
      if (line.state === "waiting" || line.state === "refused") queue.push({ line, row, file: files[place].file });
    });
  }

  async function pump() {
    if (sending) return;
    sending = true;
    window.addEventListener("beforeunload", warn);
    while (queue.length) await send(queue.shift());
    window.removeEventListener("beforeunload", warn);
    sending = false;
    desk.dispatchEvent(new CustomEvent("uploads-done"));
    desk.querySelector("[data-upload-refresh]")?.removeAttribute("hidden");
  }

  function warn(event) {
    event.preventDefault();
  }

  function send({ line, row, file }) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", line.content);
      request.setRequestHeader("X-CSRF-Token", token);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      request.upload.addEventListener("progress", (event) => progress(row, event.loaded, event.total));
      request.addEventListener("load", () => {
        const told = parse(request.responseText);
        if (request.status === 201) show(told, row);
        else show({ ...line, state: "refused", reason: told?.detail ?? texts.offline }, row);
        resolve();
      });
      request.addEventListener("error", () => {
        show({ ...line, state: "refused", reason: texts.offline }, row);
        resolve();
      });
      show({ ...line, state: "sending" }, row);
      request.send(file);
    });
  }

  function parse(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  function progress(row, loaded, total) {
    const bar = row.querySelector("progress");
    bar.max = total;
    bar.value = loaded;
  }

  function show(line, row = desk.querySelector(`[data-upload="${line.id}"]`)) {
    if (!row) {
      row = template.content.firstElementChild.cloneNode(true);
      table.prepend(row);
    }
    row.dataset.upload = line.id;
    row.dataset.state = line.state;
    const name = row.querySelector("[data-name]");
    name.textContent = line.path || line.name;
    const twin = row.querySelector("[data-twin]");
    twin.hidden = line.state !== "duplicate";
    twin.querySelector("a").textContent = line.title;
    const link = row.querySelector("[data-link]");
    link.hidden = line.state !== "filed";
    if (line.document) for (const way of [link, twin.querySelector("a")]) way.href = line.document;
    row.querySelector("[data-label]").textContent = texts[`state${line.state[0].toUpperCase()}${line.state.slice(1)}`];
    row.querySelector("[data-reason]").textContent = line.reason ?? "";
    row.querySelector("progress").hidden = line.state !== "sending";
    const decision = row.querySelector("[data-decision]");
    decision.hidden = line.state !== "duplicate";
    decision.action = line.decision;
    if (line.state === "filed") fold.querySelector("ul").prepend(row);
    const count = fold.querySelectorAll("li").length;
    fold.hidden = !count;
    fold.querySelector("summary").textContent = texts.filedCount.replace("{count}", count);
    desk.querySelector("[data-upload-panel]").hidden = false;
    return row;
  }

  function say(text) {
    const place = desk.querySelector("[data-upload-message]");
    place.textContent = text;
    place.hidden = false;
  }

  // Files may have been chosen before this module ran.
  for (const input of desk.querySelectorAll("input[type=file]")) if (input.files.length) take(input);
}
