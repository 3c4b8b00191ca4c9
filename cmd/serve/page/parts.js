// SPDX-License-Identifier: Apache-2.0
// parts: what a result says, a section each. Pure: result in, elements out.

import { h, badge, mark, title, tone, facts, section, note, table, num, in_parts, seconds, bytes, cpus, count, many, known, show } from './dom.js';
import { get, download } from './api.js';

const LINES_HEAD = 200, LINES_TAIL = 300, WORST = ['critical', 'high', 'medium', 'low', 'info'];
const or_dash = x => known(x) && x !== '' ? String(x) : '–';
const yes_no = x => x === null || x === undefined ? 'not known' : x ? 'yes' : 'no';
const value = x => typeof x === 'string' ? x : x === null || x === undefined ? 'absent' : JSON.stringify(x);
const code = text => h('code', text);
export const api = (id, rest = '') => `/v1/runs/${encodeURIComponent(id)}${rest}`;
const file_link = (href, label, name) => h('a', { href, download: name, onclick: e => { const link = e.currentTarget; download(e).catch(x => link.after(h('span.problem', { role: 'alert' }, ` ${x.message}`))); } }, label);

export function banner(word, reason, ...more) {
	return h('div', { class: `banner ${tone(word)}` }, mark(word), h('div', h('p.word', title(word)), reason ? h('p.reason', reason) : null, more));
}

/* ---- output */

function split(text) {
	const lines = text.split('\n');
	if (lines.at(-1) === '')
		lines.pop();
	return lines;
}

// At most so many lines are put into the page; the whole is one link away.
function lines_of(captured) {
	const first = split(captured.text), last = captured.tail ? split(captured.tail) : [];
	const all = captured.truncated || last.length ? [...first, null, ...last] : first;
	if (all.length <= LINES_HEAD + LINES_TAIL)
		return { lines: all, left_out: 0 };
	return { lines: [...all.slice(0, LINES_HEAD), undefined, ...all.slice(-LINES_TAIL)], left_out: all.length - LINES_HEAD - LINES_TAIL };
}

function output(run_id, step, stream) {
	const captured = step[stream];
	if (!captured || !captured.total_bytes)
		return null;
	const { lines, left_out } = lines_of(captured);
	const href = api(run_id, `/logs?${new URLSearchParams({ step: step.number, stream, ...(step.phase === 'rollback' ? { phase: 'rollback' } : {}) })}`);
	const pre = h('pre', { tabindex: '0', 'aria-label': `${stream} of step ${step.number}` });
	let part = [];
	const flush = () => { if (part.length) pre.append(show(`${part.join('\n')}\n`)); part = []; };
	for (const line of lines) {
		if (typeof line === 'string') {
			part.push(line.length > 4000 ? `${line.slice(0, 4000)} … (${count(line.length - 4000)} more characters)` : line);
			continue;
		}
		flush();
		pre.append(h('span.gap', line === null ? '… cut here …\n' : `… ${count(left_out)} lines not shown …\n`));
	}
	flush();
	return h('div.output', h('h4', stream, h('span.dim', ` ${bytes(captured.total_bytes)}${captured.truncated ? ', cut' : ''} `),
		file_link(href, 'the whole', `${run_id}-${step.phase}-${step.number}.${stream}.txt`)), pre);
}

/* ---- a step */

const ends = exit => !exit ? null : exit.end === 'exited' ? `exit status ${exit.status}` : exit.end === 'signaled' ? `signal ${exit.signal_name || exit.signal}` : title(exit.end);

const things = (caption, list) => table(caption, ['What', 'Severity', 'Outcome', 'Subject', 'Detail', 'By', 'Times'], list.map(t =>
	[title(t.kind), badge(t.severity), t.allowed ? 'allowed' : h('strong', 'refused'), code(t.subject), t.detail || '', t.program || '–', count(t.count)]));

function processes(list) {
	return table(`Programs started: ${count(list.length)}`, ['Program', 'Arguments', 'At', 'Exit', 'Took'], list.map(p =>
		[code(p.program), code(p.arguments.length > 400 ? `${p.arguments.slice(0, 400)} …` : p.arguments), `+${seconds(p.at_seconds)}`,
			[known(p.exit_status) ? String(p.exit_status) : 'not seen', p.outlived ? h('strong', ' outlived its step') : ''], seconds(p.duration_seconds)]));
}

function step_body(run_id, step) {
	const o = step.observation || {};
	const closed = (name, make) => {
		const d = h('details', h('summary', name));
		d.addEventListener('toggle', () => d.append(make()), { once: true });
		return d;
	};
	return [
		facts([
			['Does', code(or_dash(step.summary))], step.where ? ['Ran in', step.where] : null, step.reason ? ['Why', step.reason] : null,
			step.exit ? ['Ended with', ends(step.exit)] : null, step.attempts > 1 || step.max_attempts > 1 ? ['Attempts', `${step.attempts} of ${step.max_attempts}`] : null,
			step.mode === 'executed' ? ['Took', `${seconds(step.duration_seconds)}${known(step.timeout_seconds) ? ` (timeout ${seconds(step.timeout_seconds)})` : ''}`] : null,
			known(step.cpu_seconds) ? ['CPU time', seconds(step.cpu_seconds)] : null, known(step.memory_peak_bytes) ? ['Memory peak', bytes(step.memory_peak_bytes)] : null,
			step.outlived_processes ? ['Outlived it', many(step.outlived_processes, 'process', 'processes')] : null,
			step.approval_required ? ['Approval', 'in production, a person has to approve it'] : null, ['In the package', `${or_dash(step.path)}${step.line ? `, line ${step.line}` : ''}`],
		]),
		output(run_id, step, 'stdout'), output(run_id, step, 'stderr'),
		step.mode === 'executed' && !(step.stdout && step.stdout.total_bytes) && !(step.stderr && step.stderr.total_bytes) ? note('It wrote nothing.') : null,
		o.network && o.network.length ? things('Network', o.network) : null, o.security && o.security.length ? things('Security events', o.security) : null,
		o.lost ? note(`${many(o.lost, 'event')} more were not kept.`) : null,
		o.processes && o.processes.length ? closed(many(o.processes.length, 'program'), () => processes(o.processes)) : null,
		step.files && step.files.changes && step.files.changes.length ? closed(many(step.files.changes.length, 'changed file'), () => files_table(step.files)) : null,
		step.objects && step.objects.changes.length ? closed(many(step.objects.changes.length, 'changed object'), () => h('div', objects(step.objects))) : null,
	];
}

// Bodies are made when they are opened: a package may have a thousand steps with 64 KiB of output each.
export function steps(run_id, list) {
	const box = h('div.steps');
	const failed = list.find(s => ['failed', 'timed_out', 'limit'].includes(s.status));
	const make = s => {
		const d = h('details.step', { class: `step ${s.mode === 'executed' ? '' : 'not-run'}`, id: `step-${s.phase}-${s.number}` },
			h('summary', h('h3', `${s.phase === 'rollback' ? 'Rollback ' : ''}${s.number}. ${s.name}`), ' ', h('span.dim', s.kind), ' ', badge(s.mode), ' ', badge(s.status), ' ', h('span.dim.num', seconds(s.duration_seconds))));
		d.addEventListener('toggle', () => d.append(h('div.body', step_body(run_id, s))), { once: true });
		d.open = s === failed;
		return d;
	};
	return section('steps', 'Steps', box, in_parts(box, list, make, 1000));
}

/* ---- effects */

const state = s => !s ? '–' : s.kind === 'file' ? `${bytes(s.size)}, ${s.mode}` : s.kind === 'link' ? `link to ${s.target}` : `${s.kind}, ${s.mode}`;

function files_table(files) {
	return table('Files', ['Path', 'Change', 'Where', 'Before', 'After'], files.changes.map(f => [
		[code(f.path), f.renamed ? h('div.dim', f.change === 'deleted' ? `now ${f.renamed}` : `was ${f.renamed}`) : '', f.diff ? h('details', h('summary', 'diff'), diff(f.diff)) : ''],
		badge(f.change, f.what && f.what.length ? `${f.change}: ${f.what.join(', ')}` : f.change), f.area, state(f.before), state(f.after)]));
}

const diff = text => h('pre.diff', { tabindex: '0', 'aria-label': 'difference' }, split(text).slice(0, LINES_HEAD).map(l => h('span', { class: l[0] === '+' ? 'added' : l[0] === '-' ? 'removed' : null }, `${l}\n`)));

function objects(o) {
	const box = h('div.objects');
	const make = c => h('div.object', h('h4', badge(c.change), ` ${or_dash(c.kind)} `, code(or_dash(c.name)), h('span.dim', ` ${or_dash(c.api_version)}${c.derived ? ', by a controller' : ''}${c.stand_in ? ', a stand-in' : ''}`)),
		c.fields.length ? table(`Fields of ${c.kind} ${c.name}`, ['Field', 'Before', 'After'], c.fields.map(f => [code(or_dash(f.path)), code(value(f.before)), code(value(f.after))])) : null,
		c.more_fields ? note(`${many(c.more_fields, 'more field')} changed.`) : null);
	return [box, in_parts(box, o.changes, make, 50)];
}

const tally = (name, c) => c ? `${name}: ${count(c.created)} created, ${count(c.changed)} changed, ${count(c.deleted)} deleted` : null;

export function effects(result) {
	const f = result.files, network = result.steps.flatMap(s => (s.observation && s.observation.network) || []);
	const watched = result.steps.some(s => s.observation && s.observation.watched);
	const unseen = result.steps.filter(s => s.mode === 'simulated' || s.mode === 'skipped').length;
	return section('effects', 'Effects',
		unseen ? note(`${many(unseen, 'step')} did not run: what ${unseen === 1 ? 'it' : 'they'} would do is not known.`) : null,
		h('h3', 'Files'),
		!f ? note('Nothing was executed, so no file was looked at.') : !f.known ? note(`Not known: ${or_dash(f.unknown_because)}`)
			: [note([tally('work folder', f.work), tally('system', f.system), tally('/tmp', f.tmp)].filter(Boolean).join('; ')), f.changes && f.changes.length ? files_table(f) : null,
				f.not_listed ? note(`${many(f.not_listed, 'more change')} counted, but not listed.`) : null,
				f.not_looked_at ? note(`${many(f.not_looked_at, 'file')} past the limits of a look.`) : null],
		result.objects ? [h('h3', 'Objects of the cluster'), result.objects.known ? (result.objects.changes.length ? objects(result.objects) : note('No object changed.')) : note(`Not known: ${or_dash(result.objects.unknown_because)}`)] : null,
		h('h3', 'Network'),
		network.length ? things('Connections, datagrams and names', network) : note(watched ? 'No connection was tried.' : 'Nobody could watch, so nothing is known.'));
}

export function security(result) {
	const list = result.steps.flatMap(s => ((s.observation && s.observation.security) || []).map(t => ({ ...t, program: `${t.program || '–'} in step ${s.number}` })));
	return section('security', 'Security events', result.escape_attempts ? h('p.problem', `${many(result.escape_attempts, 'event')} severe enough to fail the run.`) : null,
		list.length ? things('Security events of all steps', list) : note(result.steps.some(s => s.observation && s.observation.watched) ? 'None was seen.' : 'Nobody could watch, so nothing is known.'));
}

/* ---- what the scanner and the policy said */

// The line with what is meant marked, and a caret below. Columns count characters from 1; end_column is the first behind it.
function excerpt(finding, source) {
	const line = source && finding.line && source[finding.line - 1];
	if (typeof line !== 'string')
		return finding.matched ? h('pre.excerpt', { tabindex: '0', 'aria-label': 'what is meant' }, h('mark', finding.matched)) : null;
	const chars = [...line.replace(/\r$/, '')], from = Math.max(0, (finding.column || 1) - 1), to = Math.max(from + 1, (finding.end_column || 0) - 1);
	const cut = Math.max(0, from - 60), gutter = `${finding.line} | `;
	const part = (a, b) => show(chars.slice(a, b).join('').replaceAll('\t', '    '));
	const before = part(cut, from), meant = part(from, to), after = part(to, Math.max(to, cut + 160));
	return h('pre.excerpt', { tabindex: '0', 'aria-label': `line ${finding.line} of the package` },
		h('span.dim', gutter), cut ? '…' : '', before, h('mark', meant), after, after.length && chars.length > cut + 160 ? '…' : '', '\n',
		h('span.caret', { 'aria-hidden': 'true' }, ' '.repeat(gutter.length + [...before].length + (cut ? 1 : 0)) + '^'.padEnd(Math.max(1, Math.min([...meant].length, 160)), '~')));
}

export function findings(list, source) {
	const box = h('div.findings');
	const make = f => h('article.finding', { class: `finding ${tone(f.severity)}` },
		h('h3', badge(f.severity), ' ', f.message), h('p.dim', code(f.rule_id), ` ${or_dash(f.path)}${f.line ? `, line ${f.line}, column ${or_dash(f.column)}` : ''}${f.cwe ? `, ${f.cwe}` : ''}`),
		excerpt(f, source), f.suggestion ? h('p', h('strong', 'What helps: '), f.suggestion) : null,
		f.suppressed ? note(`Does not count (${title((f.suppression || {}).kind)}): ${or_dash((f.suppression || {}).justification)}`) : null);
	return section('findings', 'Findings', list.length ? [note(many(list.length, 'finding')), box, in_parts(box, [...list].sort((a, b) => WORST.indexOf(a.severity) - WORST.indexOf(b.severity)), make, 50)] : note('The scan of the package found nothing.'));
}

export function policy(d) {
	if (!d)
		return section('policy', 'Policy', note('No policy was asked: the package did not get that far.'));
	return section('policy', 'Policy',
		facts([['Decision', badge(d.policy_decision)], ['Score', `${count(d.score)} of 100`], ['Risk', badge(d.risk_level)], ['Policy', d.policy], ['May run unasked', yes_no(d.can_execute)],
			['Approval needed', yes_no(d.approval_required)], d.override ? ['Overridden because', d.override] : null]),
		h('h3', 'How the score came about'), h('ol.sum', d.arithmetic.map(l => h('li', l)), h('li', h('strong', `score ${count(d.score)}`))),
		d.reasons.length ? [h('h3', 'Reasons'), h('ul', d.reasons.map(r => h('li', r)))] : null,
		d.category ? note(`${d.category.complexity}, ${title(d.category.automation_level)}${d.category.resource_types.length ? `, uses ${d.category.resource_types.join(', ')}` : ''}`) : null);
}

export function declared(d) {
	if (!d)
		return null;
	const r = d.requirements, over = x => x === null ? 'not known' : x ? h('strong', 'exceeded') : 'within';
	return section('declared', 'Declared against observed', table('What the package states, and what was seen', ['Of', 'Declared', 'Observed', 'Outcome'], [
		['memory', bytes(r.memory.declared_bytes), bytes(r.memory.observed_bytes), over(r.memory.exceeded)],
		['cpu', cpus(r.cpu.declared_cpu_millis), cpus(r.cpu.observed_cpu_millis), over(r.cpu.exceeded)],
		['storage', bytes(r.storage.declared_bytes), bytes(r.storage.observed_bytes), over(r.storage.exceeded)],
		...d.resource_limits.map(l => [l.name, l.declared, known(l.observed) ? (l.name === 'max_storage' ? bytes(l.observed) : count(l.observed)) : '–', over(l.exceeded)]),
		['permissions', d.required_permissions.declared.join(', ') || 'none', d.required_permissions.observed ? d.required_permissions.observed.join(', ') || 'none' : 'not observed', '–'],
		['rollback', d.rollback.enabled ? many(d.rollback.declared_handlers, 'handler') : 'off', d.rollback.ran ? `ran: ${count(d.rollback.summary.passed)} passed, ${count(d.rollback.summary.failed)} failed` : 'did not run', '–'],
	]));
}

export function enforcement(list) {
	const wanted = list.filter(c => c.state !== 'not_requested'), held = wanted.filter(c => c.state === 'enforced').length;
	return section('enforcement', 'Enforcement', note(wanted.length ? `${held} of ${many(wanted.length, 'control')} asked for hold, as found by probing.` : 'No control was asked for: there was no sandbox.'),
		wanted.length ? table('Controls of the sandbox', ['Control', 'Asked for', 'State', 'By', 'Detail'],
			[...wanted].sort((a, b) => (a.state === 'enforced') - (b.state === 'enforced')).map(c => [title(c.control), or_dash(c.requested), badge(c.state), or_dash(c.mechanism), c.detail || ''])) : null);
}

export function cleanup(c) {
	const word = c.complete ? 'passed' : 'failed';
	return section('cleanup', 'Clean-up certificate', h('p', { class: `certificate ${tone(word)}` }, mark(word),
		c.complete ? (c.made ? `Complete: ${many(c.made, 'thing was', 'things were')} made, and ${count(c.gone)} are proven gone.` : 'Nothing was made, so nothing is left.')
			: `Incomplete: ${count(c.gone)} of ${count(c.made)} are proven gone.`),
	c.items.length ? table('What was made, and how it is known to be gone', ['Name', 'Kind', 'Gone', 'Proof'], c.items.map(i => [code(i.name), title(i.kind), i.gone ? 'yes' : h('strong', 'NO'), i.proof])) : null);
}

export const parameters = list => !list.length ? null : section('parameters', 'Parameters', table('Every parameter the package refers to', ['Name', 'Value', 'From'],
	list.map(p => [code(p.name), p.value === null ? 'none' : code(p.value), or_dash(p.origin)])));

export function cluster(result) {
	const c = result.cluster;
	return !c ? null : section('cluster', 'Cluster', facts([['Server', or_dash(c.server)], ['Namespace', or_dash(c.namespace)], ['Acting as', or_dash(c.acting_as)],
		c.stand_ins.length ? ['Stand-ins', c.stand_ins.map(s => `${s.kind} ${s.name}`).join(', ')] : null, c.fixtures.length ? ['Applied before', c.fixtures.join(', ')] : null]),
	c.permissions.length ? table('Permissions', ['Declared', 'Granted', 'Why not'], c.permissions.map(p => [code(p.declared), yes_no(p.granted), p.why_not || ''])) : null,
	result.collected ? h('details', h('summary', 'What is not well in it'), h('pre', { tabindex: '0', 'aria-label': 'collected after the failure' }, result.collected)) : null);
}

// What steps left in the work folder, listed when it is asked for.
function artifacts(id, saved) {
	const box = h('details', h('summary', `${many(saved.files, 'file')} of the work folder, ${bytes(saved.bytes)}`));
	box.addEventListener('toggle', async () => {
		try {
			const { artifacts: list } = await get(api(id, '/artifacts'));
			box.append(table('Files that steps made or changed', ['Path', 'Size', 'SHA-256'], list.map(a => [
				file_link(api(id, `/artifacts/file?${new URLSearchParams({ path: a.path })}`), code(a.path), a.path.split('/').pop()), num(bytes(a.bytes)), code(or_dash(a.sha256).slice(0, 16))])));
		} catch (e) {
			box.append(h('p.problem', { role: 'alert' }, e.message));
		}
	}, { once: true });
	return box;
}

export function downloads(run, saved) {
	const id = run.run_id, file = (rest, label, suffix) => h('li', file_link(api(id, rest), label, `${id}.${suffix}`));
	const report = (format, label, suffix) => file(`/report?format=${format}`, label, suffix);
	return section('downloads', 'Downloads', h('ul.downloads', file('/result', 'Result (JSON)', 'result.json'), report('text', 'Report (text)', 'report.txt'), file('/events?follow=false', 'Events (NDJSON)', 'events.ndjson'),
		file('/logs', 'Output (text)', 'log.txt'), file('/package', 'Package', 'wpk.yaml'), report('sarif', 'Findings (SARIF)', 'sarif'), report('junit', 'Findings (JUnit)', 'junit.xml'), report('markdown', 'Findings (Markdown)', 'md'), report('gitlab', 'Findings (GitLab)', 'gitlab.json')),
	saved && saved.files ? artifacts(id, saved) : null);
}
