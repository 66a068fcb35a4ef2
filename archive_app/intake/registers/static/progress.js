// While the worker checks, files or undoes, the page shows how far it is, and shows itself anew at the end.

const box = document.querySelector("[data-register-progress]");
if (box) watch(box);

async function watch(box) {
  const bar = box.querySelector("progress");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 600));
    try {
      const answer = await fetch(box.dataset.registerProgress, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const told = await answer.json();
      if (told.stopped || told.state !== box.dataset.state) return window.location.reload();
      if (told.total) bar.max = told.total;
      bar.value = told.done;
    } catch {
      // A broken line mends itself; the next round asks again.
    }
  }
}
