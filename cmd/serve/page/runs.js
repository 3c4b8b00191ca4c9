// SPDX-License-Identifier: Apache-2.0
// runs: what there is. What waits or runs is on top and kept fresh; ended runs come in pages.

import { h, mark, num, title, when, seconds, many, tone, route, count } from './dom.js';
import { page, pause } from './api.js';

const PAGE = 50, PERIOD_MS = 3000;
const VERDICTS = ['verified', 'partial', 'nothing_executed', 'failed', 'limit', 'deadline', 'cancelled', 'error', 'refused', 'invalid', 'interrupted'];
const HEADS = ['Verdict', 'Workflow', 'Started', 'Took', 'What happened', 'Where', 'Compare'];

export const rows_of = body => body.runs || body.items || [];
export const word_of = run => run.verdict || run.state;

function what_happened(run) {
	const s = run.summary || {}, steps = s.steps || {}, files = s.effects && s.effects.files;
	const parts = [
		steps.total ? `${count(steps.executed)} of ${many(steps.total, 'step')} executed` : null, steps.simulated ? `${count(steps.simulated)} simulated` : null, s.rolled_back ? 'rolled back' : null,
		files && files.created + files.changed + files.deleted ? `${many(files.created + files.changed + files.deleted, 'file')} changed` : null,
		s.security_events ? many(s.security_events, 'security event') : null, s.findings ? many(s.findings, 'finding') : null, s.cleanup_complete === false && steps.total ? 'clean-up incomplete' : null,
	].filter(Boolean).join(', ');
	return run.detail && run.verdict !== 'verified' ? [h('div', run.detail), h('div.dim', parts)] : parts;
}

function row(run, picked) {
	const name = run.workflow_id || run.workflow_name || 'package';
	const box = h('input', { type: 'checkbox', value: run.run_id, 'aria-label': `compare ${name}, ${run.run_id}`, onchange: picked });
	const cells = [
		h('span.verdict', { class: `verdict ${tone(word_of(run))}` }, mark(word_of(run)), title(word_of(run))),
		h('a', { href: route('runs', run.run_id) }, h('span.name', name), h('span.id', run.run_id)),
		when(run.started || run.created),
		num(run.state === 'ended' && run.duration_ms !== null ? seconds(run.duration_ms / 1000) : '–'),
		what_happened(run),
		[run.sandbox || '–', h('div.dim.by', run.requested_by || '')],
		run.state === 'ended' ? box : null,
	];
	return h('tr', { role: 'row', 'data-run': run.run_id }, cells.map((cell, i) => i === 1
		? h('th', { role: 'rowheader', scope: 'row', 'data-head': HEADS[i] }, h('div', cell))
		: h('td', { role: 'cell', 'data-head': HEADS[i] }, h('div', cell))));
}

function run_table(caption) {
	const body = h('tbody', { role: 'rowgroup' });
	const t = h('table.runs', { role: 'table' }, h('caption', caption), h('thead', { role: 'rowgroup' },
		h('tr', { role: 'row' }, HEADS.map(x => h('th', { role: 'columnheader', scope: 'col' }, x)))), body);
	return { box: h('div.table', t), body };
}

function filters(ctx) {
	const choice = (id, label, words) => [h('label', { for: id }, label), h('select', { id, name: id }, h('option', { value: '' }, 'any'),
		words.map(w => h('option', { value: w, selected: ctx.query.get(id) === w }, title(w))))];
	const form = h('form.filters', { role: 'search', 'aria-label': 'Filter runs' },
		h('div', h('label', { for: 'workflow' }, 'Workflow'), h('input', { id: 'workflow', name: 'workflow', type: 'search', autocomplete: 'off', spellcheck: 'false',
			placeholder: 'name-1.0.0', value: ctx.query.get('workflow') })),
		h('div', choice('verdict', 'Verdict', VERDICTS)), h('div', choice('state', 'State', ['queued', 'running', 'ended'])),
		h('div', h('button', { type: 'submit' }, 'Filter')));
	form.addEventListener('submit', e => {
		e.preventDefault();
		const wanted = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
		location.hash = `#/runs?${wanted}`;
	});
	return form;
}

const address = (query, more) => {
	const wanted = new URLSearchParams(more);
	for (const key of ['workflow', 'verdict', 'state'])
		if (query.get(key))
			wanted.set(key, query.get(key));
	return `/v1/runs?${wanted}`;
};

function comparing(ctx) {
	const bar = h('p.compare', { role: 'status' });
	const picked = () => {
		const ids = [...ctx.main.querySelectorAll('input[type=checkbox]:checked')].map(x => x.value);
		bar.replaceChildren(ids.length === 2
			? h('a.button', { href: `#/compare?${new URLSearchParams({ a: ids[1], b: ids[0] })}` }, 'Compare the two chosen runs')
			: ids.length ? 'Choose two runs to compare them.' : '');
	};
	return { bar, picked };
}

export async function runs(ctx) {
	ctx.head('Runs');
	const { bar, picked } = comparing(ctx);
	const live = run_table('Queued and running'), ended = run_table(ctx.query.size ? 'Runs that fit' : 'Ended runs, the newest first');
	const more = h('button.more', { type: 'button', hidden: true }, 'Show older runs');
	const empty = h('p.empty');
	ctx.main.append(filters(ctx), live.box, ended.box, empty, more, bar);
	live.box.hidden = true;
	const plain = !ctx.query.get('state') && !ctx.query.get('verdict');
	const passing = ['queued', 'running'].includes(ctx.query.get('state'));
	const all = [];
	let next = null, running = '';
	const draw = (body, items) => body.replaceChildren(...items.map(r => row(r, picked)));

	const newest = async () => {
		const got = await page(address(ctx.query, plain ? { state: 'ended', limit: PAGE } : { limit: PAGE }), ctx.signal);
		if (passing) {
			all.length = 0;
			ended.body.replaceChildren();
		}
		const fresh = rows_of(got.body).filter(r => !all.some(x => x.run_id === r.run_id));
		if (!all.length)
			next = got.next;
		all.unshift(...fresh);
		ended.body.prepend(...fresh.map(r => row(r, picked)));
		more.hidden = !next;
		ended.box.hidden = !all.length;
		empty.replaceChildren(...(all.length || running ? [] : [ctx.query.size ? 'No run fits.' : h('span', 'Nothing has run yet. ',
			h('a', { href: '#/new' }, 'Start a dry run'))]));
	};
	const open = async () => {
		const both = await Promise.all(['running', 'queued'].map(state => page(address(ctx.query, { state, limit: PAGE }), ctx.signal)));
		const items = both.flatMap(x => rows_of(x.body));
		const key = items.map(r => r.run_id + r.state).join();
		const changed = key !== running;
		running = key;
		live.box.hidden = !items.length;
		if (changed) {
			const at = document.activeElement && document.activeElement.closest ? document.activeElement.closest('[data-run]') : null;
			draw(live.body, items);
			if (at && !at.isConnected)
				(ctx.main.querySelector(`[data-run="${CSS.escape(at.dataset.run)}"] a`) || ctx.main.querySelector('h1')).focus();
		}
		return changed;
	};
	more.addEventListener('click', async () => {
		more.disabled = true;
		try {
			const got = await page(next, ctx.signal);
			const older = rows_of(got.body).filter(r => !all.some(x => x.run_id === r.run_id)), lines = older.map(r => row(r, picked));
			next = got.next;
			all.push(...older);
			ended.body.append(...lines);
			more.hidden = !next;
			ctx.say(`${many(all.length, 'run')} shown`);
			if (lines[0])
				lines[0].querySelector('a').focus();
		} finally {
			more.disabled = false;
		}
	});

	if (plain)
		await open();
	await newest();
	while (!ctx.signal.aborted) {
		await pause(PERIOD_MS, ctx.signal);
		if (ctx.signal.aborted || document.hidden)
			continue;
		try {
			if (!plain || await open())
				await newest();
		} catch (e) {
			if (!ctx.signal.aborted)
				ctx.say(e.message);
		}
	}
}
