/** Small makers of elements. Text goes in as text, never as markup. */

export function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

const PATHS = {
  stop: 'M3 3h10v10H3z',
  copy: 'M4 4V2.5A1.5 1.5 0 0 1 5.5 1h7A1.5 1.5 0 0 1 14 2.5v8a1.5 1.5 0 0 1-1.5 1.5H11v1.5A1.5 1.5 0 0 1 9.5 15h-6A1.5 1.5 0 0 1 2 13.5v-8A1.5 1.5 0 0 1 3.5 4H4zm1 0h4.5A1.5 1.5 0 0 1 11 5.5V11h1.5a.5.5 0 0 0 .5-.5v-8a.5.5 0 0 0-.5-.5h-7a.5.5 0 0 0-.5.5V4zM3.5 5a.5.5 0 0 0-.5.5v8a.5.5 0 0 0 .5.5h6a.5.5 0 0 0 .5-.5v-8a.5.5 0 0 0-.5-.5h-6z',
  insert:
    'M8 1.5a.5.5 0 0 1 .5.5v5.5H14a.5.5 0 0 1 0 1H8.5V14a.5.5 0 0 1-1 0V8.5H2a.5.5 0 0 1 0-1h5.5V2a.5.5 0 0 1 .5-.5z',
} as const;

const SVG = 'http://www.w3.org/2000/svg';

/** A button with an icon, and with a text if it has one; `title` says what it does. */
export function icon(
  name: keyof typeof PATHS,
  title: string,
  act: () => void,
  text = '',
): HTMLElement {
  const button = element('button', 'icon');
  button.title = title;
  button.setAttribute('aria-label', title);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('width', '16');
  svg.setAttribute('height', '16');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  path.setAttribute('fill', 'currentColor');
  svg.append(path);
  button.append(svg, text);
  button.addEventListener('click', act);
  return button;
}
