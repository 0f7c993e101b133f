// After htmx has put a new answer in, keyboard and screen reader go there, as a full page load would do.
document.addEventListener("htmx:after:swap", () => {
  const answer = document.querySelector("#answer");
  answer?.focus({ preventScroll: true });
  if (matchMedia("(max-width: 63.99em)").matches) answer?.scrollIntoView();
});
