// SPDX-License-Identifier: Apache-2.0
// app: which view the address means, and what surrounds views: focus, title, token. A view is a function of its context:
//	{signal, main, params, query, say(text), head(title, …), fresh}	`signal` aborts when another view comes

import { h } from './dom.js';
import { token, Problem } from './api.js';
import { runs } from './runs.js';
import { start } from './start.js';
import { run, run_goto } from './run.js';
import { compare } from './compare.js';
import { stats } from './stats.js';

const views = [
	[/^(?:runs)?$/, runs, '#/'],
	[/^runs\/([^/]+)(?:\/(.+))?$/, run, '#/'],
	[/^new$/, start, '#/new'],
	[/^compare$/, compare, '#/'],
	[/^stats$/, stats, '#/stats'],
];
const main = document.getElementById('main'), status = document.getElementById('status');
let current = null, leave = null;

function say(text) {
	status.textContent = '';
	setTimeout(() => { status.textContent = text; }, 50);
}

function failure(e, head) {
	const none = e instanceof Problem && e.status === 404;
	head(none ? 'Not found' : 'That did not work');
	main.append(h('p.problem', { role: 'alert' }, e.message), h('p', h('a', { href: '#/' }, 'All runs')));
	if (!(e instanceof Problem))
		console.error(e);
}

// The address names a view; the heading of what it shows gets the focus, but for the first view of a page, where reading starts at the top.
async function go(again) {
	const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
	if (current && !again && current.path === path.split('/').slice(0, 2).join('/') && path.startsWith('runs/')) {
		run_goto(path.split('/').slice(2).map(decodeURIComponent));
		return;
	}
	const [pattern, view, home] = views.find(([p]) => p.test(path)) || [/^/, null, ''];
	const first = !current && !again;
	current = { path: path.split('/').slice(0, 2).join('/') };
	if (leave)
		leave.abort();
	leave = new AbortController();
	const { signal } = leave;
	for (const link of document.querySelectorAll('header nav a'))
		link.setAttribute('aria-current', link.getAttribute('href') === home ? 'page' : 'false');
	main.replaceChildren();
	const head = (title, ...more) => {
		document.title = `${title} – sandbox_runner`;
		const heading = h('h1', { tabindex: '-1' }, title, more);
		main.append(heading);
		if (!first)
			heading.focus();
		return heading;
	};
	try {
		if (!view)
			throw new Problem(404, 'the page has no such view');
		const params = pattern.exec(path).slice(1).map(x => x === undefined ? x : decodeURIComponent(x));
		await view({ signal, main, params, query: new URLSearchParams(query), say, head });
	} catch (e) {
		if (signal.aborted)
			return;
		main.replaceChildren();
		failure(e, head);
	}
}

const dialog = document.getElementById('token-dialog'), field = document.getElementById('token-field');
function ask_token(why) {
	document.getElementById('token-why').textContent = why || '';
	if (!dialog.open)
		dialog.showModal();
	field.focus();
}
function take_token(text) {
	token.set(text);
	field.value = '';
	dialog.close();
	go(true);
}
document.getElementById('token-button').addEventListener('click', () => ask_token());
document.getElementById('token-form').addEventListener('submit', e => { e.preventDefault(); take_token(field.value.trim()); });
document.getElementById('token-forget').addEventListener('click', () => take_token(''));
document.getElementById('token-cancel').addEventListener('click', () => dialog.close());
addEventListener('token-wanted', e => ask_token(e.detail || 'This service wants a token.'));
document.getElementById('skip').addEventListener('click', e => { e.preventDefault(); main.focus(); });

// On paper everything is open.
addEventListener('beforeprint', () => document.querySelectorAll('main details').forEach(d => { d.open = true; }));
addEventListener('hashchange', () => go(false));
go(false);
