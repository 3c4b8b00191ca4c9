// SPDX-License-Identifier: Apache-2.0
// compare: two runs side by side: what came, what went, what took longer.

import { h, badge, section, note, num, table, title, mark, tone, when, seconds, bytes, count, known, route } from './dom.js';
import { get } from './api.js';
import { api } from './parts.js';
import { word_of } from './runs.js';

// What is in one list and not in the other, by `key`.
function difference(a, b, key) {
	const in_a = new Map(a.map(x => [key(x), x])), in_b = new Map(b.map(x => [key(x), x]));
	return { added: [...in_b].filter(([k]) => !in_a.has(k)).map(([, x]) => x), removed: [...in_a].filter(([k]) => !in_b.has(k)).map(([, x]) => x), both: [...in_a].filter(([k]) => in_b.has(k)).map(([k, x]) => [x, in_b.get(k)]) };
}

function changes(id, name, a, b, key, cells, heads, same = () => true) {
	if (!a || !b)
		return section(id, name, note('Not known for both runs.'));
	const d = difference(a, b, key), other = d.both.filter(([x, y]) => !same(x, y));
	const row = (word, kind) => x => ({ class: kind, cells: [h(`span.badge.${kind}`, word), ...cells(x)] });
	const rows = [...d.removed.map(row('removed', 'gone')), ...d.added.map(row('added', 'new')), ...other.map(([, y]) => row('differs', 'part')(y))];
	const words = [[d.added.length, 'added'], [d.removed.length, 'removed'], [other.length, 'different'], [d.both.length - other.length, 'the same']].filter(([n]) => n);
	return section(id, name, note(words.length ? `${words.map(([n, word]) => `${count(n)} ${word}`).join(', ')}.` : 'None in either.'),
		rows.length ? table('What differs', ['Change', ...heads], rows) : null);
}

const delta = (a, b, format) => !known(a) || !known(b) ? '–' : a === b ? 'the same' : Math.abs(b - a) < Math.abs(a) / 200 ? 'about the same' : `${b > a ? '+' : '−'}${format(Math.abs(b - a))}${a ? ` (${b > a ? '+' : '−'}${Math.round(100 * Math.abs(b - a) / a)} %)` : ''}`;

const of_steps = (r, key) => r.steps.flatMap(s => (s.observation && s.observation[key]) || []);
const peak = r => r.steps.reduce((m, s) => Math.max(m, s.memory_peak_bytes || 0), 0) || null;

function overview(rows, results) {
	const [a, b] = results;
	const line = (name, of, format) => [name, format(of(a)), format(of(b)), num(delta(of(a), of(b), format))];
	const s = seconds;
	return table('The two runs', ['What', 'First', 'Second', 'Difference'], [
		['verdict', ...rows.map(r => h('span.verdict', { class: `verdict ${tone(word_of(r))}` }, mark(word_of(r)), title(word_of(r)))), a.verdict === b.verdict ? 'the same' : h('strong', 'differs')],
		['reason', a.verdict_reason || '', b.verdict_reason || '', ''], ['started', when(a.started), when(b.started), ''],
		['package', ...results.map(r => h('code', r.package.sha256 ? r.package.sha256.slice(0, 12) : '–')), a.package.sha256 === b.package.sha256 ? 'the same' : h('strong', 'differs')],
		line('duration', r => r.duration_seconds, s), line('making the sandbox', r => r.timings.setup_seconds, s), line('clean-up', r => r.timings.cleanup_seconds, s), line('memory at most', peak, bytes),
		...['executed', 'simulated', 'passed', 'failed'].map(k => line(`steps ${k}`, r => r.summary[k], count)), line('risk score', r => r.decision ? r.decision.score : null, n => known(n) ? count(n) : '–'),
		['clean-up complete', ...results.map(r => r.cleanup.complete ? 'yes' : 'NO'), a.cleanup.complete === b.cleanup.complete ? 'the same' : h('strong', 'differs')],
	]);
}

function steps([a, b]) {
	const key = s => `${s.phase}/${s.handler}/${s.name}`, d = difference(a.steps, b.steps, key);
	const word = s => s.mode === 'executed' ? badge(s.status) : badge(s.mode);
	const row = (x, y) => { const s = x || y; return { class: x && y ? '' : x ? 'gone' : 'new', cells: [s.name, x ? [word(x), ' ', seconds(x.duration_seconds)] : 'not there', y ? [word(y), ' ', seconds(y.duration_seconds)] : 'not there', x && y ? delta(x.duration_seconds, y.duration_seconds, seconds) : x ? 'removed' : 'added'] }; };
	return section('steps', 'Steps', table('Steps, side by side', ['Step', 'First', 'Second', 'Time'], [...d.both.map(([x, y]) => row(x, y)), ...d.removed.map(x => row(x, null)), ...d.added.map(y => row(null, y))]));
}

export async function compare(ctx) {
	const ids = ['a', 'b'].map(k => ctx.query.get(k) || '');
	const rows = await Promise.all(ids.map(id => get(api(id), ctx.signal)));
	const results = await Promise.all(ids.map(id => get(api(id, '/result'), ctx.signal)));
	const [a, b] = results, json = x => JSON.stringify(x);
	ctx.head('Two runs compared');
	ctx.main.append(h('p.versus', rows.map((r, i) => h('a', { href: route('runs', r.run_id) }, `${i ? 'Second' : 'First'}: ${r.workflow_id || r.run_id}`, h('span.id', r.run_id))),
		h('a.button', { href: `#/compare?${new URLSearchParams({ a: ids[1], b: ids[0] })}` }, 'Swap')),
	overview(rows, results), steps(results),
	changes('files', 'Files', a.files && a.files.changes, b.files && b.files.changes, f => `${f.area}/${f.path}`, f => [h('code', f.path), badge(f.change), f.area], ['Path', 'What happened', 'Where'],
		(x, y) => x.change === y.change && json([x.before, x.after]) === json([y.before, y.after])),
	a.objects || b.objects ? changes('objects', 'Objects', a.objects && a.objects.changes, b.objects && b.objects.changes, o => `${o.kind}/${o.name}`, o => [`${o.kind} ${o.name}`, badge(o.change)], ['Object', 'What happened'],
		(x, y) => json(x) === json(y)) : '',
	changes('network', 'Network', of_steps(a, 'network'), of_steps(b, 'network'), t => `${t.kind}/${t.subject}/${t.allowed}`, t => [title(t.kind), h('code', t.subject), t.allowed ? 'allowed' : 'refused'], ['What', 'Subject', 'Outcome']),
	changes('security', 'Security events', of_steps(a, 'security'), of_steps(b, 'security'), t => `${t.kind}/${t.subject}/${t.program}`, t => [badge(t.severity), title(t.kind), h('code', t.subject)], ['Severity', 'What', 'Subject']),
	changes('findings', 'Findings', a.findings, b.findings, f => f.fingerprint || `${f.rule_id}/${f.path}`, f => [badge(f.severity), h('code', f.rule_id), f.message], ['Severity', 'Rule', 'Message']));
}
