// Dropping files anywhere on the engagement's page: announce the list, send one file after the other, show progress.
// The list itself lives on the server; after a reload it is there again, and dropping the same files goes on with it.
// A connection that breaks is waited for: large files go in parts, and only the part that broke is sent again.

const PART_BYTES = 8 * 1024 * 1024;
// While the archive makes one file durable, the next one is on the line.
const LANES = 2;
const LONGEST_PAUSE_MS = 10_000;
// What a proxy or a busy archive answers and a later try may not meet again.
const PASSING = new Set([0, 409, 502, 503, 504]);
const TRIES_OF_ANSWERS = 8;

const desk = document.querySelector("[data-upload-desk]");
if (desk) start(desk);

function start(desk) {
  const texts = desk.dataset;
  const table = desk.querySelector("[data-upload-list]");
  const fold = desk.querySelector("[data-upload-filed]");
  const template = desk.querySelector("template");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const queue = [];
  const flying = [];
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
      level: field("level"),
      document_id: texts.documentId ?? "",
    };
    const answer = await lasting(() => fetch(texts.announce, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token, Accept: "application/json" },
      body: JSON.stringify(body),
    }));
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
    await Promise.all(Array.from({ length: LANES }, lane));
    window.removeEventListener("beforeunload", warn);
    sending = false;
    desk.dispatchEvent(new CustomEvent("uploads-done"));
    desk.querySelector("[data-upload-refresh]")?.removeAttribute("hidden");
  }

  async function lane() {
    while (queue.length) {
      // Of two files with the same content the first one offered is filed, so one of the same size waits for it.
      const like = flying.find(({ size }) => size === queue[0].file.size);
      if (like) {
        await like.done;
        continue;
      }
      const next = queue.shift();
      const flight = { size: next.file.size, done: send(next) };
      flying.push(flight);
      await flight.done;
      flying.splice(flying.indexOf(flight), 1);
    }
  }

  function warn(event) {
    event.preventDefault();
  }

  // Sends one file, however often the line breaks; ends when the archive has decided about it.
  async function send({ line, row, file }) {
    let state = line;
    let answers = 0;
    for (let pause = 1000; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      show({ ...state, state: "sending", reason: "" }, row);
      const before = state.received;
      const { status, told } = file.size > PART_BYTES ? await parts(state, row, file) : await put(state.content, file, file, row, 0);
      if (status === 201) return show(told, row);
      const refused = told?.detail ?? texts.offline;
      // A broken line is waited for as long as it takes; an answer that should pass is not believed for ever.
      const broke = status === 0 || told?.code === "interrupted";
      if (!broke && !(PASSING.has(status) && (answers += 1) < TRIES_OF_ANSWERS)) {
        return show({ ...state, state: "refused", reason: refused }, row);
      }
      if (!(await readable(file))) return show({ ...state, state: "refused", reason: texts.changed }, row);
      show({ ...state, state: "sending", reason: texts.retrying }, row);
      await sleep(pause);
      const asked = await lasting(() => fetch(line.address, { headers: { Accept: "application/json" } }));
      if (!asked.ok) return show({ ...state, state: "refused", reason: (await asked.json()).detail }, row);
      state = await asked.json();
      if (state.state !== "waiting" && state.state !== "refused") return show(state, row);
      if (state.received > before) pause = 500;
    }
  }

  // Goes on from what the archive has; the last part is answered when the whole is filed.
  async function parts(line, row, file) {
    for (let start = line.received; ; ) {
      const part = file.slice(start, start + PART_BYTES);
      const answer = await put(line.parts + start, part, file, row, start);
      if (answer.status !== 200) return answer;
      if (answer.told.received <= start && part.size) return { status: 409, told: answer.told };
      start = answer.told.received;
    }
  }

  function put(address, body, file, row, start) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", address);
      request.setRequestHeader("X-CSRF-Token", token);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      request.upload.addEventListener("progress", (event) => progress(row, start + event.loaded, file.size));
      request.addEventListener("load", () => resolve({ status: request.status, told: parse(request.responseText) }));
      request.addEventListener("error", () => resolve({ status: 0, told: null }));
      request.addEventListener("abort", () => resolve({ status: 0, told: null }));
      request.send(body);
    });
  }

  // A request that must arrive, tried again for as long as the line is broken.
  async function lasting(ask) {
    for (let pause = 1000; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const answer = await ask();
        if (![502, 503, 504].includes(answer.status) || pause === LONGEST_PAUSE_MS) return say("") ?? answer;
      } catch {
        say(texts.offline);
      }
      await sleep(pause);
    }
  }

  function sleep(pause) {
    return new Promise((resolve) => setTimeout(resolve, pause));
  }

  // Whether the file is still as it was chosen: a browser refuses to read one that changed or went away.
  async function readable(file) {
    try {
      await file.slice(0, 1).arrayBuffer();
      return true;
    } catch {
      return false;
    }
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
    place.hidden = !text;
  }

  // Files may have been chosen before this module ran.
  for (const input of desk.querySelectorAll("input[type=file]")) if (input.files.length) take(input);
}
