// For pages that helpers/figures/output.py puts into a notebook: `framed` there explains why.
// ready(): call it when the page has drawn itself. The still figure before the frame goes, the frame gets its height, and the
// colours follow the page around it (JupyterLab, the course's site, VS Code), else the reader's system.
const outside = window.frameElement ? window.parent.document : null;

function theme() {
  const { body, documentElement: root } = outside ?? document;
  const light = outside && body.dataset.jpThemeLight;
  if (light) return light === "true" ? "light" : "dark";
  if (outside && root.dataset.theme) return root.dataset.theme === "dark" ? "dark" : "light";
  if (body.className.includes("vscode-")) return body.className.includes("vscode-light") ? "light" : "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function ready() {
  const recolour = () => (document.documentElement.dataset.theme = theme());
  recolour();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  document.querySelector("main").hidden = false;
  if (!outside) return;
  for (const element of [outside.body, outside.documentElement])
    new MutationObserver(recolour).observe(element, { attributes: true });
  const frame = window.frameElement;
  frame.style.display = "block";
  frame.previousElementSibling.style.display = "none";
  const fit = () => (frame.style.height = `${Math.ceil(document.body.getBoundingClientRect().height)}px`);
  new ResizeObserver(fit).observe(document.body);
  fit();
}
