// SPDX-License-Identifier: Apache-2.0
// dom: elements, texts, numbers and tables. Texts come from packages that may be hostile: they only ever become text nodes and plain
// attributes, and characters that would reorder, hide or fake text are shown by their number.

const colour = /\u001b\[[0-9;:]*[mK]/g;
const misleading = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
const by_number = c => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
export const show = s => String(s).replace(/\r+\n/g, '\n').replace(colour, '').replace(misleading, by_number);

function fill(element, rest) {
	const plain = rest[0] && rest[0].constructor === Object ? rest.shift() : {};
	for (const [name, value] of Object.entries(plain)) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name.startsWith('on'))
			element.addEventListener(name.slice(2), value);
		else if (name === 'href' && !/^(#|\/(?!\/))/.test(value))
			throw new Error(`'${value}' leads elsewhere`);
		else
			element.setAttribute(name, value === true ? '' : show(value));
	}
	for (const kid of rest.flat(9))
		if (kid !== null && kid !== undefined && kid !== false)
			element.append(kid instanceof Node ? kid : show(kid));
	return element;
}

// h('p.note.big', {id: 'x'}, 'text', element, [more]): attributes may be left out, what is null or false is left out.
export function h(tag, ...rest) {
	const [name, ...classes] = tag.split('.');
	const element = document.createElement(name);
	if (classes.length)
		element.className = classes.join(' ');
	return fill(element, rest);
}
export const svg = (tag, ...rest) => fill(document.createElementNS('http://www.w3.org/2000/svg', tag), rest);

export const count = n => Number(n).toLocaleString('en');
export const many = (n, one, more = `${one}s`) => `${count(n)} ${n === 1 ? one : more}`;
export const known = x => x !== null && x !== undefined;
export const num = text => h('span.num', text);

export function seconds(s) {
	if (!known(s))
		return '–';
	if (s < 1)
		return `${(s * 1000).toFixed(s < 0.01 ? 1 : 0)} ms`;
	if (s < 60)
		return `${s.toFixed(s < 10 ? 2 : 1)} s`;
	const m = Math.floor(s / 60), pad = x => String(Math.floor(x)).padStart(2, '0');
	return m < 60 ? `${m} min ${pad(s % 60)} s` : `${Math.floor(m / 60)} h ${pad(m % 60)} min`;
}

export function bytes(n) {
	if (!known(n))
		return '–';
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let i = 0;
	for (; n >= 1024 && i < 4; i++)
		n /= 1024;
	return `${n.toFixed(i && n < 100 ? 1 : 0)} ${units[i]}`;
}
export const cpus = millis => known(millis) ? `${(millis / 1000).toFixed(2)} cpu` : '–';

export function when(text) {
	if (!text)
		return '–';
	const t = new Date(text), pad = x => String(x).padStart(2, '0');
	const day = `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())}`;
	return h('time.num', { datetime: text, title: text },
		`${t.toDateString() === new Date().toDateString() ? '' : `${day} `}${pad(t.getHours())}:${pad(t.getMinutes())}:${pad(t.getSeconds())}`);
}

// What a word of the API looks like and is called: one table for verdicts, states, statuses and modes.
const words = {
	verified: ['good', 'Verified'], passed: ['good', 'passed'], enforced: ['good', 'enforced'], approve: ['good', 'approve'],
	partial: ['part', 'Partial'], nothing_executed: ['none', 'Nothing executed'], degraded: ['part', 'degraded'], review: ['part', 'review'],
	failed: ['bad', 'Failed'], limit: ['bad', 'Limit hit'], deadline: ['bad', 'Deadline passed'], error: ['bad', 'Error'], timed_out: ['bad', 'timed out'],
	refused: ['bad', 'Refused'], invalid: ['bad', 'Invalid package'], interrupted: ['bad', 'Interrupted'], unavailable: ['bad', 'unavailable'], block: ['bad', 'block'],
	cancelled: ['none', 'Cancelled'], queued: ['live', 'Queued'], running: ['live', 'Running'],
	simulated: ['none', 'simulated'], skipped: ['none', 'skipped'], not_executed: ['none', 'not executed'], not_requested: ['none', 'not requested'],
	executed: ['plain', 'executed'], emulated: ['none', 'emulated'], 'dry-run': ['plain', 'server dry run'],
	critical: ['bad', 'critical'], high: ['bad', 'high'], medium: ['part', 'medium'], low: ['plain', 'low'], info: ['plain', 'info'],
	deleted: ['bad', 'deleted'], changed: ['part', 'changed'], created: ['plain', 'created'],
};
export const tone = word => (words[word] || ['none'])[0];
export const title = word => (words[word] || [0, String(word).replaceAll('_', ' ')])[1];

const marks = { good: 'M5 12.5l4.5 4.5L19 7.5', bad: 'M6.5 6.5l11 11M17.5 6.5l-11 11', part: 'M12 5v8.5M12 18v.5', none: 'M6 12h12', live: 'M12 6v6l4 3', plain: 'M12 11v6M12 7v.5' };
export const mark = word => svg('svg', { class: 'mark', viewBox: '0 0 24 24', 'aria-hidden': 'true' },
	svg('circle', { cx: 12, cy: 12, r: 11 }), svg('path', { d: marks[tone(word)] }));
export const badge = (word, text) => h(`span.badge.${tone(word)}`, text || title(word).toLowerCase());

// Rows are arrays of cells, or {class, cells}; the first cell is the row's head. Roles are said, for narrow screens show rows as blocks.
export function table(caption, heads, rows, kind) {
	const line = row => {
		const cells = row.cells || row;
		return h('tr', { role: 'row', class: row.class }, cells.map((cell, i) => i
			? h('td', { role: 'cell', 'data-head': heads[i] }, h('div', cell))
			: h('th', { role: 'rowheader', scope: 'row', 'data-head': heads[i] }, h('div', cell))));
	};
	const body = h('tbody', { role: 'rowgroup' });
	const t = h('table', { class: kind, role: 'table' }, h('caption', caption),
		h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, heads.map(x => h('th', { role: 'columnheader', scope: 'col' }, x)))), body);
	return h('div.table', t, in_parts(body, rows, line));
}

// Fill `into` with `make(item)`: not more than `step` at once, for lists may be long. Returns the button for more, or nothing.
export function in_parts(into, items, make, step = 100) {
	let shown = 0;
	const add = () => {
		const part = items.slice(shown, shown + step).map(make);
		shown += part.length;
		into.append(...part);
		return part[0];
	};
	add();
	if (shown >= items.length)
		return null;
	const left = () => `Show ${count(Math.min(step, items.length - shown))} more of ${count(items.length)}`;
	const button = h('button.more', { type: 'button', onclick: () => {
		const first = add();
		if (shown >= items.length)
			button.remove();
		else
			button.textContent = left();
		first.tabIndex = -1;
		first.focus();
	} }, left());
	return button;
}

export const facts = pairs => h('dl.facts', pairs.filter(Boolean).map(([name, ...value]) => h('div', h('dt', name), h('dd', value))));
export const section = (id, name, ...kids) => h('section', { id, 'aria-labelledby': `h-${id}` }, h('h2', { id: `h-${id}`, tabindex: '-1' }, name), kids);
export const note = (...kids) => h('p.note', kids);
export const route = (...parts) => `#/${parts.map(encodeURIComponent).join('/')}`;
