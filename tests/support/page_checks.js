// What may be wrong with a page as it is shown. Each function returns a list of complaints.
const checks = {
  visibleTexts() {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node; (node = walker.nextNode()); ) {
      const element = node.parentElement;
      if (!node.data.trim() || element.closest("title, desc, script, style")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const boxes = [...range.getClientRects()].filter((box) => box.width && box.height);
      if (boxes.length && element.checkVisibility()) found.push({ text: node.data.trim(), element, boxes });
    }
    return found;
  },

  // Text that reaches beyond the window, or beyond a box that cuts it off.
  cutTexts() {
    const width = document.documentElement.clientWidth;
    return checks.visibleTexts().filter(({ element, boxes }) => {
      const frames = [{ left: 0, right: width }];
      for (let each = element; each && each !== document.body; each = each.parentElement)
        if (getComputedStyle(each).overflowX !== "visible" && !(each instanceof SVGElement)) frames.push(each.getBoundingClientRect());
      return boxes.some((box) => frames.some((frame) => box.left < frame.left - 1 || box.right > frame.right + 1));
    }).map(({ text }) => text);
  },

  // Labels of one picture that lie on each other.
  overlappingLabels() {
    return [...document.querySelectorAll("svg")].flatMap((picture) => {
      const labels = [...picture.querySelectorAll("text")].filter((label) => label.textContent);
      const boxes = labels.map((label) => label.getBoundingClientRect());
      return labels.filter((_, one) => boxes.some((box, other) => other > one
        && box.left < boxes[one].right - 1 && boxes[one].left < box.right - 1
        && box.top < boxes[one].bottom - 2 && boxes[one].top < box.bottom - 2)).map((label) => label.textContent);
    });
  },

  // Text that is hard to read: WCAG 2 asks for a contrast of 4.5, and of 3 for large text.
  faintTexts() {
    const colour = (text) => text.match(/[\d.]+/g).map(Number);
    const light = ([red, green, blue]) => {
      const [r, g, b] = [red, green, blue].map((each) => each / 255)
        .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let each = element; each; each = each.parentElement) {
        const [, , , alpha = 1] = colour(getComputedStyle(each).backgroundColor);
        if (alpha === 1) return colour(getComputedStyle(each).backgroundColor);
      }
      return [255, 255, 255];
    };
    return checks.visibleTexts().map(({ text, element }) => {
      const style = getComputedStyle(element);
      const ink = colour(element instanceof SVGElement ? style.fill : style.color);
      const [brighter, darker] = [light(ink), light(behind(element))].sort((one, other) => other - one);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 600);
      return { text, contrast: (brighter + 0.05) / (darker + 0.05), wanted: large ? 3 : 4.5 };
    }).filter(({ contrast, wanted }) => contrast < wanted);
  },

  // Pictures that say nothing to those who cannot see them.
  silentPictures() {
    return [...document.querySelectorAll("svg")].filter((picture) => !picture.parentElement.closest("svg"))
      .filter((picture) => picture.getAttribute("aria-hidden") !== "true"
        && !(picture.getAttribute("role") === "img" && picture.querySelector(":scope > title")?.textContent))
      .map((picture) => picture.outerHTML.slice(0, 80));
  },

  scrollsSideways() {
    return document.documentElement.scrollWidth - document.documentElement.clientWidth;
  },
};
