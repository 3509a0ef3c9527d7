/** The details webview: draws what it is sent. It keeps nothing, and asks for nothing but to be drawn. */
import hljs from 'highlight.js/lib/core';
import python from 'highlight.js/lib/languages/python';
import type { Answer } from '../core/protocol';
import type { Detail, FromWebview, ToWebview } from '../views/detailMessages';
import { element, icon } from './dom';
import { drawOutput } from './outputs';

declare function acquireVsCodeApi(): { postMessage(message: FromWebview): void };

hljs.registerLanguage('python', python);
const editor = acquireVsCodeApi();
const root = document.getElementById('root') as HTMLElement;

/** What each part was drawn from, so that a tick of the clock leaves a selection or a scrolled output alone. */
const drawn = new Map<string, string>();
let current: Detail | undefined;

const parts = {
  head: element('header', 'head'),
  code: element('section', 'code'),
  outputs: element('div', 'outputs'),
  changes: element('div', 'changes'),
  footer: element('footer', 'answers'),
};
const result = element('section', 'result');
result.append(parts.outputs, parts.changes);
root.append(parts.head, parts.code, result, parts.footer);

function show(detail: Detail | undefined): void {
  const page = document.documentElement;
  const isAtEnd = window.innerHeight + window.scrollY >= page.scrollHeight - 4;
  const isOther = detail?.key !== current?.key;
  current = detail;
  const hasResult = detail !== undefined && detail.outputs.length + detail.changes.length > 0;
  root.classList.toggle('two', hasResult);
  redraw('head', detail && [detail.caption, detail.state, detail.reason, detail.approval], () =>
    detail ? drawHead(detail) : [element('p', 'hint', 'Code and output of a call show up here.')],
  );
  redraw('code', detail?.code, () => (detail ? drawCode(detail) : []));
  redraw('outputs', detail?.outputs, () => (detail?.outputs ?? []).map(drawOutput));
  redraw('changes', detail?.changes, () => drawChanges(detail?.changes ?? []));
  redraw('footer', detail?.approval, () =>
    detail?.approval ? drawAnswers(detail.approval.id) : [],
  );
  if (isOther) window.scrollTo(0, 0);
  // Output that comes is followed, unless the reader has scrolled up.
  else if (isAtEnd && detail?.tone === 'busy') window.scrollTo(0, page.scrollHeight);
  // The focus goes to the code, never to a button: Enter must not allow by accident.
  if (isOther && detail?.approval) root.focus();
}

function redraw(part: keyof typeof parts, from: unknown, draw: () => HTMLElement[]): void {
  const key = JSON.stringify(from) ?? '';
  if (drawn.get(part) === key) return;
  drawn.set(part, key);
  parts[part].replaceChildren(...draw());
}

function drawHead(detail: Detail): HTMLElement[] {
  const line = element('div', 'line');
  line.append(element('span', `state ${detail.tone}`, detail.state));
  line.append(element('span', 'caption', detail.caption));
  line.append(...toolbar(detail));
  const all = [line];
  if (detail.approval) all.unshift(element('h2', 'question', detail.approval.question));
  else if (detail.reason) all.push(element('p', 'reason', detail.reason));
  return all;
}

function toolbar(detail: Detail): HTMLElement[] {
  const bar = element('span', 'toolbar');
  const { key } = detail;
  const post = (message: FromWebview) => () => editor.postMessage(message);
  if (detail.canInterrupt) {
    bar.append(icon('stop', 'Interrupt this run', post({ type: 'interrupt', key }), 'Stop'));
  }
  if (detail.canInsert)
    bar.append(icon('insert', 'Insert as a cell', post({ type: 'insert', key })));
  if (detail.code) bar.append(icon('copy', 'Copy the code', post({ type: 'copy', key })));
  return [bar];
}

function drawCode(detail: Detail): HTMLElement[] {
  if (!detail.code) return [];
  const block = element('pre', 'source');
  const code = element('code', '');
  if (detail.isPython) {
    // Its result holds nothing but escaped text and spans.
    code.innerHTML = hljs.highlight(detail.code, { language: 'python' }).value;
  } else {
    code.textContent = detail.code;
  }
  block.append(code);
  return [block];
}

function drawChanges(changes: readonly string[]): HTMLElement[] {
  if (changes.length === 0) return [];
  const list = element('ul', '');
  list.append(...changes.map((change) => element('li', '', change)));
  return [element('h3', '', 'Changes'), list];
}

function drawAnswers(approval: string): HTMLElement[] {
  const button = (answer: Answer, text: string, kind: string): HTMLElement => {
    const made = element('button', kind, text);
    made.addEventListener('click', () => editor.postMessage({ type: 'answer', approval, answer }));
    return made;
  };
  return [
    button('once', 'Allow once', 'primary'),
    button('always', 'Allow until sharing stops', 'secondary'),
    button('deny', 'Deny', 'secondary'),
  ];
}

window.addEventListener('message', (event: MessageEvent<ToWebview>) => show(event.data.detail));
window.addEventListener('keydown', (event) => {
  const approval = current?.approval?.id;
  if (event.key === 'Escape' && approval !== undefined) {
    editor.postMessage({ type: 'answer', approval, answer: 'deny' });
  }
});
editor.postMessage({ type: 'ready' });
