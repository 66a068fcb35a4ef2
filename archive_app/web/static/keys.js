// "/" goes to the field that is marked with it, unless somebody is writing.
const WRITING = "input, textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.closest(WRITING)) return;
  const field = [...document.querySelectorAll("[data-key]")].find((candidate) => candidate.dataset.key === event.key);
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

// Menus that are open close by Escape and by a click elsewhere.
const openMenus = () => document.querySelectorAll("details.account-menu[open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
