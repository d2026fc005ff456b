// A button that opens a small panel below it; Escape and a click elsewhere close it.
import { fill, h, newId } from "./dom";

const GAP_PX = 4;

export interface Menu {
  element: HTMLElement;
  close(): void;
}

/** text, name : what the button shows, and its name for those who do not see it; content : made each time it opens */
export function menu(text: string | Element, name: string, content: (menu: Menu) => Node[]): Menu {
  const id = newId("menu");
  const panel = h("div", { id, class: "menu", popover: "auto", role: "dialog", "aria-label": name });
  const button = h(
    "button",
    {
      type: "button",
      popovertarget: id,
      "aria-label": name,
      title: name,
      "aria-haspopup": "dialog",
      "aria-expanded": "false",
    },
    text,
  );
  const made: Menu = { element: h("span", { class: "with-menu" }, button, panel), close: () => panel.hidePopover() };
  panel.addEventListener("beforetoggle", (event) => {
    if ((event as ToggleEvent).newState === "open") fill(panel, ...content(made));
  });
  panel.addEventListener("toggle", (event) => {
    const isOpen = (event as ToggleEvent).newState === "open";
    button.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) return fill(panel); // it is made anew when it opens
    place(panel, button);
    panel.querySelector<HTMLElement>("button, input, select")?.focus();
  });
  return made;
}

function place(panel: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = panel;
  const left = Math.max(GAP_PX, Math.min(at.left, innerWidth - offsetWidth - GAP_PX));
  const below = at.bottom + GAP_PX;
  const top = below + offsetHeight > innerHeight ? Math.max(GAP_PX, at.top - offsetHeight - GAP_PX) : below;
  Object.assign(panel.style, { left: `${left}px`, top: `${top}px` });
}
