// Copy buttons: they appear where they can work, and say when they have.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const words = button.textContent;
    button.textContent = button.dataset.copied;
    button.disabled = true;
    setTimeout(() => {
      button.textContent = words;
      button.disabled = false;
    }, 1500);
  });
}
