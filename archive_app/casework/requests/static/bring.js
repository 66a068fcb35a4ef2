// Bringing files for a line: each is announced, then sent in parts; a line that breaks is waited for, and only the part
// that broke is sent again. Without this module the form itself sends the files.

const LONGEST_PAUSE_MS = 10_000;
const A_MINUTE_MS = 61_000;
// What a proxy or a busy archive answers and a later try may not meet again.
const PASSING = new Set([502, 503, 504]);
const TRIES_OF_ANSWERS = 8;

const desk = document.querySelector("[data-bring]");
if (desk) start(desk);

function start(desk) {
  const texts = desk.dataset;
  const partBytes = Number(texts.partBytes);
  const list = desk.querySelector("[data-list]");
  const status = desk.querySelector("[data-status]");
  const template = desk.querySelector("template");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const queue = [];
  let sending = false;
  let refused = 0;

  desk.classList.add("has-script");
  for (const input of desk.querySelectorAll("input[type=file]")) {
    input.addEventListener("change", () => take(input));
  }

  let depth = 0;
  const holdsFiles = (event) => [...event.dataTransfer.types].includes("Files");
  const over = (step) => (event) => {
    if (!holdsFiles(event)) return;
    depth = Math.max(0, depth + step);
    document.body.classList.toggle("is-dropping", depth > 0);
  };
  document.addEventListener("dragenter", over(1));
  document.addEventListener("dragleave", over(-1));
  document.addEventListener("dragover", (event) => {
    if (holdsFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("is-dropping");
    offer([...event.dataTransfer.files]);
  });

  function take(input) {
    offer([...input.files]);
    input.value = "";
  }

  function offer(files) {
    for (const file of files) queue.push({ file, row: rowOf(file) });
    pump();
  }

  async function pump() {
    if (sending || !queue.length) return;
    sending = true;
    window.addEventListener("beforeunload", warn);
    while (queue.length) await send(queue.shift());
    window.removeEventListener("beforeunload", warn);
    sending = false;
    // The page tells best what was brought; what was refused would be lost with it.
    if (refused) desk.querySelector("[data-again]").hidden = false;
    else window.location.assign(window.location.pathname);
  }

  function warn(event) {
    event.preventDefault();
  }

  async function send({ file, row }) {
    if (file.size > Number(texts.limit)) return end(row, texts.tooLarge);
    let answers = 0;
    for (let pause = 1000; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      show(row, "sending", "");
      const answer = await attempt(file, row);
      if (answer.status === 201 || answer.told?.code === "already_brought") {
        return end(row, answer.status === 201 ? "" : answer.told.detail, true);
      }
      if (answer.status === 429) {
        show(row, "sending", texts.waiting);
        await sleep(A_MINUTE_MS);
        continue;
      }
      const broke = answer.status === 0 || answer.told?.code === "interrupted" || answer.told?.code === "conflict";
      if (!broke && !(PASSING.has(answer.status) && (answers += 1) < TRIES_OF_ANSWERS)) {
        return end(row, answer.told?.detail ?? texts.offline);
      }
      if (!(await readable(file))) return end(row, texts.changed);
      show(row, "sending", texts.offline);
      await sleep(pause);
    }
  }

  // Announces the file and goes on from what the archive has of it.
  async function attempt(file, row) {
    const announced = await announce(file);
    if (announced.status !== 200) return announced;
    let { received } = announced.told;
    for (;;) {
      const part = file.slice(received, received + partBytes);
      const answer = await put(announced.told.parts + received, part, file, row, received);
      if (answer.status !== 200) return answer;
      if (answer.told.received <= received) return { status: 0, told: null };
      received = answer.told.received;
    }
  }

  async function announce(file) {
    try {
      const answer = await fetch(texts.announce, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": token, Accept: "application/json" },
        body: JSON.stringify({ name: file.name, size: file.size, modified: file.lastModified }),
      });
      return { status: answer.status, told: parse(await answer.text()) };
    } catch {
      return { status: 0, told: null };
    }
  }

  function put(address, body, file, row, start) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", address);
      request.setRequestHeader("X-CSRF-Token", token);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
      const bar = row.querySelector("progress");
      bar.max = file.size || 1;
      request.upload.addEventListener("progress", (event) => {
        bar.value = start + event.loaded;
      });
      request.addEventListener("load", () => resolve({ status: request.status, told: parse(request.responseText) }));
      request.addEventListener("error", () => resolve({ status: 0, told: null }));
      request.addEventListener("abort", () => resolve({ status: 0, told: null }));
      request.send(body);
    });
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

  function rowOf(file) {
    const row = template.content.firstElementChild.cloneNode(true);
    row.querySelector("[data-name]").textContent = file.name;
    list.append(row);
    show(row, "sending", "");
    return row;
  }

  function end(row, reason, arrived = false) {
    if (!arrived || reason) refused += 1;
    show(row, arrived ? "done" : "refused", reason);
    status.textContent = `${row.querySelector("[data-name]").textContent}: ${texts[arrived ? "done" : "refused"]}`;
  }

  function show(row, state, reason) {
    row.dataset.state = state;
    row.querySelector("[data-label]").textContent = texts[state];
    row.querySelector("[data-reason]").textContent = reason;
    row.querySelector("progress").hidden = state !== "sending";
  }

  // Files may have been chosen before this module ran.
  for (const input of desk.querySelectorAll("input[type=file]")) if (input.files.length) take(input);
}
