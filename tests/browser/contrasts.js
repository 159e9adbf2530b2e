// Returns the texts of the page whose contrast with their background is too low: below 4.5, or 3 if they are large.
() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  // The canvas reads every way to write a color, and mixes colors that are transparent.
  const mixed = (colors) => {
    paint.clearRect(0, 0, 1, 1);
    for (const color of colors) {
      paint.fillStyle = color;
      paint.fillRect(0, 0, 1, 1);
    }
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((it) => it / 255).map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const colors = [];
    for (let it = element; it; it = it.parentElement) colors.unshift(getComputedStyle(it).backgroundColor);
    return colors;
  };
  const low = new Map();
  let measured = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, title, option")) continue;
    const style = getComputedStyle(element);
    const background = behind(element);
    const text = element instanceof SVGElement ? style.fill : style.color;
    const [one, other] = [mixed([...background, text]), mixed(background)].map(light).sort((a, b) => b - a);
    const contrast = (one + 0.05) / (other + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
    measured += 1;
    if (contrast < (isLarge ? 3 : 4.5)) low.set(`${element.tagName}.${element.className?.baseVal ?? element.className}`, contrast);
  }
  return { measured, low: [...low] };
}
