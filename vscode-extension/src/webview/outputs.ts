/** Draws outputs. What a kernel sends is data: no markup of it reaches the page, only text, images and tables. */
import type { Output } from '../core/protocol';
import { aroundDropped } from '../core/words';
import { element } from './dom';

const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const MAX_ROWS = 200;

export function drawOutput(output: Output): HTMLElement {
  if (output.kind === 'stream') return drawStream(output);
  if (output.kind === 'error') return drawError(output);
  return drawDisplay(output.data);
}

function drawStream(output: Extract<Output, { kind: 'stream' }>): HTMLElement {
  const block = element('div', '');
  const look = output.name === 'stderr' ? 'stderr' : 'stdout';
  if (output.dropped === 0) {
    block.append(element('pre', look, output.text));
    return block;
  }
  const [head, tail] = aroundDropped(output.text, output.dropped_at);
  const note = `${output.dropped.toLocaleString()} characters left out`;
  block.append(element('pre', look, head), element('p', 'note', note), element('pre', look, tail));
  return block;
}

function drawError(output: Extract<Output, { kind: 'error' }>): HTMLElement {
  const block = element('div', 'error');
  const headline = [output.ename, output.evalue].filter(Boolean).join(': ');
  block.append(element('strong', '', headline));
  // IPython begins with a rule that is wider than any panel.
  const trace = output.traceback.replace(/^-+\n/, '').trimEnd();
  // Its last line says the same as the headline.
  const frames = trace.endsWith(headline) ? trace.slice(0, -headline.length).trimEnd() : trace;
  if (frames) block.append(element('pre', '', frames));
  return block;
}

function drawDisplay(data: Readonly<Record<string, string>>): HTMLElement {
  const text = data['text/plain'] ?? '';
  const image = IMAGES.find((mime) => mime in data);
  if (image)
    return drawImage(`data:${image};base64,${(data[image] ?? '').replace(/\s/g, '')}`, text);
  const svg = data['image/svg+xml'];
  // As an image an SVG can neither run scripts nor load anything.
  if (svg) return drawImage(`data:image/svg+xml,${encodeURIComponent(svg)}`, text);
  return drawTable(data['text/html']) ?? element('pre', 'stdout', text);
}

function drawImage(source: string, description: string): HTMLElement {
  const image = element('img', '') as HTMLImageElement;
  image.src = source;
  image.alt = description;
  return image;
}

/** The first table in a piece of HTML, rebuilt from the texts of its cells. */
function drawTable(html: string | undefined): HTMLElement | undefined {
  if (!html?.includes('<table')) return undefined;
  const found = new DOMParser().parseFromString(html, 'text/html').querySelector('table');
  if (!found) return undefined;
  const table = element('table', '');
  const rows = [...found.rows];
  for (const row of rows.slice(0, MAX_ROWS)) {
    const copy = element('tr', '');
    for (const cell of row.cells) copy.append(copyCell(cell));
    table.append(copy);
  }
  const frame = element('div', 'table');
  frame.append(table);
  if (rows.length > MAX_ROWS)
    frame.append(element('p', 'note', `${rows.length - MAX_ROWS} more rows`));
  return frame;
}

function copyCell(cell: HTMLTableCellElement): HTMLElement {
  const copy = element(cell.tagName === 'TH' ? 'th' : 'td', '', cell.textContent ?? '');
  if (cell.colSpan > 1) copy.setAttribute('colspan', String(cell.colSpan));
  if (cell.rowSpan > 1) copy.setAttribute('rowspan', String(cell.rowSpan));
  return copy;
}
