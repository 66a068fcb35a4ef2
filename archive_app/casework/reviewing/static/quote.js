// Words that the reviewer marks in the text come into the quote of the remark, until they have typed one themselves.
const quote = document.querySelector('textarea[name="quote"]');
const text = document.querySelector("[data-quotable]");
const LONGEST = 500;

if (quote && text) {
  let filled = "";
  document.addEventListener("selectionchange", () => {
    const selection = document.getSelection();
    if (!selection || selection.isCollapsed || !text.contains(selection.anchorNode) || !text.contains(selection.focusNode)) {
      return;
    }
    if (quote.value === filled) {
      filled = [...selection.toString().trim()].slice(0, LONGEST).join("");
      quote.value = filled;
    }
  });
}
