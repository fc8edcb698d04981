// A question with its options: a group with a name and radio buttons, which keyboards and screen readers know best.

function part(kind, parent, more) {
  return parent.appendChild(Object.assign(document.createElement(kind), more));
}
function render({ model, el }) {
  el.classList.add("pgedu-predict");
  function build() {
    el.replaceChildren();
    const group = "predict" + Math.random().toString(36).slice(2);
    const form = part("fieldset", el);
    part("legend", form, { textContent: model.get("question") });
    const buttons = model.get("options").map((option, index) => {
      const label = part("label", form);
      const button = part("input", label, { type: "radio", name: group });
      button.dataset.lmSuppressShortcuts = "true";
      part("span", label, { textContent: option });
      button.addEventListener("change", () => { model.set("chosen", index); model.save_changes(); });
      return button;
    });
    const said = part("p", el);
    said.setAttribute("role", "status");
    return () => {
      buttons.forEach((button, index) => { button.checked = index === model.get("chosen"); });
      form.disabled = model.get("outcome") !== "open";
      el.dataset.outcome = model.get("outcome");
      said.textContent = model.get("said");
    };
  }
  let show = build();
  show();
  const rebuild = () => { show = build(); };
  const change = () => show();
  model.on("change:options", rebuild);
  model.on("change", change);
  return () => { model.off("change:options", rebuild); model.off("change", change); };
}
export default { render };
