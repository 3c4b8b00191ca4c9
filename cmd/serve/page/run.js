// SPDX-License-Identifier: Apache-2.0
// run: one run, live from its events until it has ended, then from its result. Times of steps come from events in both cases.

import { h, badge, title, facts, section, note, seconds, bytes, count, known, when, route, show } from './dom.js';
import { get, post, text, page, events, events_so_far, pause } from './api.js';
import { timeline, charts, chart_values } from './charts.js';
import { rows_of, word_of } from './runs.js';
import * as parts from './parts.js';

const EVENTS_MAX = 8 << 20, SOURCE_MAX = 4 << 20, LIVE_LINES = 400, LINE_MAX = 8000, REDRAW_MS = 200, POINTS_MAX = 600;
const { api } = parts;

/* ---- what events tell: a model that grows by one event at a time */

class Story {
	steps = new Map();
	seen = [];
	warnings = [];
	lines = [];
	words = 'waiting for its turn';
	total_steps = null;

	at(e) {
		const t = Date.parse(e.time) / 1000;
		this.began ??= t;
		this.total = t - this.began;
		return this.total;
	}
	step(e) {
		const key = `${e.phase}-${e.step}`;
		if (!this.steps.has(key))
			this.steps.set(key, { key, number: e.step, phase: e.phase, name: e.name || (e.result && e.result.name), mode: null, status: 'running', reason: null, from: null, to: null, duration: null, points: [], retries: [] });
		return this.steps.get(key);
	}
	write(e) {
		const pieces = e.text.split('\n'), rest = pieces.pop();
		const add = (text_, open) => {
			const last = this.lines.at(-1);
			if (last && last.open && last.stream === e.stream)
				Object.assign(last, { text: last.text.length < LINE_MAX ? last.text + text_ : last.text, open });
			else
				this.lines.push({ stream: e.stream, text: text_, open });
		};
		pieces.forEach(p => add(p, false));
		if (rest)
			add(rest, true);
		if (this.lines.length > 2 * LIVE_LINES)
			this.lines.splice(0, this.lines.length - LIVE_LINES);
	}
	take(e) {
		const now = this.at(e), reader = Story.readers[e.type];
		if (reader)
			reader.call(this, e, now);
	}
	static readers = {
		'run.start'(e) { this.total_steps = e.steps; this.workflow = e.workflow_id; this.words = 'making the sandbox'; },
		warning(e) { this.warnings.push(e.text); },
		'sandbox.create'(e, now) { this.setup = { from: now }; },
		'sandbox.progress'(e) { this.words = e.text; },
		'sandbox.ready'(e, now) { this.setup = { ...this.setup, to: now }; this.enforcement = e.enforcement; this.words = 'the sandbox is ready'; },
		'step.start'(e, now) { const s = this.step(e); s.from ??= now; this.words = `step ${e.step} of ${this.total_steps}: ${e.name}${e.attempt > 1 ? `, attempt ${e.attempt}` : ''}`; },
		'step.output'(e) { this.step(e); this.write(e); },
		'step.seen'(e) { this.seen.push({ ...e.seen, step: e.step }); },
		'step.usage'(e) { const s = this.step(e); s.points.push(e.usage); if (s.points.length > POINTS_MAX) s.points = s.points.filter((_, i) => i % 2); },
		'step.retry'(e, now) { this.step(e).retries.push(now); this.words = `step ${e.step}: attempt ${e.attempt} failed, again in ${seconds(e.wait_seconds)}`; },
		'step.end'(e, now) {
			const s = this.step(e), r = e.result;
			Object.assign(s, { name: r.name, mode: r.mode, status: r.status, reason: r.reason, duration: r.duration_seconds, to: known(s.from) ? now : null });
			this.words = `step ${e.step} of ${this.total_steps}, ${r.name}: ${title(r.mode === 'executed' ? r.status : r.mode)}`;
		},
		'rollback.start'(e) { this.words = `rolling back: ${e.reason}`; },
		'cleanup.start'(e, now) { this.cleanup = { from: now }; this.words = 'cleaning up'; },
		verdict(e, now) { if (this.cleanup) this.cleanup.to = now; this.verdict = e; this.words = `${title(e.verdict)}: ${e.verdict_reason}`; },
	};
	run() {
		return { total: this.total, setup: this.setup, cleanup: this.cleanup, steps: [...this.steps.values()].map(s => ({ ...s, to: s.to ?? (known(s.from) ? this.total : null) })) };
	}
}

/* ---- live */

function live(ctx, run, story, heading) {
	const word = h('p.word', title(run.state)), reason = h('p.reason'), progress = h('progress', { 'aria-label': 'steps done', max: 1, value: 0 });
	const cancel = h('button', { type: 'button', onclick: async () => {
		cancel.disabled = true;
		try {
			await post(api(run.run_id, '/cancel'), {});
			ctx.say('The run is asked to end.');
		} catch (e) {
			ctx.say(e.message);
			reason.textContent = e.message;
			cancel.disabled = false;
		}
	} }, 'Cancel the run');
	const lines = h('div'), resources = h('div'), seen = h('div'), out = h('pre.live', { tabindex: '0', 'aria-label': 'the end of the output' });
	const box = h('div', h('div.banner.live', parts.banner('running').firstChild, h('div', word, reason, progress, h('p', cancel))), facts(about(run)),
		section('timeline', 'Steps', lines), section('output', 'Output', out, note('The last ', String(LIVE_LINES), ' lines.')), section('resources', 'Resources', resources), seen);
	let timer = null, drawn = 0, said = 0, last_words = '';
	const draw = () => {
		timer = null;
		drawn = performance.now();
		const r = story.run(), done = r.steps.filter(s => s.status !== 'running').length;
		word.textContent = title(story.setup || story.steps.size ? 'running' : run.state);
		reason.textContent = show(story.words);
		if (story.workflow)
			heading.textContent = show(story.workflow);
		progress.max = story.total_steps || 1;
		progress.value = done;
		lines.replaceChildren(r.steps.length || r.setup ? timeline(r) : note('No step has begun.'));
		resources.replaceChildren(charts(r) || note('Nothing has been measured yet.'));
		const low = out.scrollHeight - out.scrollTop - out.clientHeight < 40;
		out.replaceChildren(...story.lines.slice(-LIVE_LINES).map(l => h('span', { class: l.stream }, `${l.text}\n`)));
		if (low)
			out.scrollTop = out.scrollHeight;
		const alarming = story.seen.filter(t => t.severity !== 'info');
		if (alarming.length)
			seen.replaceChildren(section('seen', 'Seen so far', h('ul', alarming.slice(-50).map(t => h('li', badge(t.severity), ` step ${t.step}: ${title(t.kind)} `, h('code', t.subject), t.allowed ? ' allowed' : ' refused')))));
		if (story.words !== last_words && performance.now() - said > 2000) {	// not every word: who listens could not follow
			ctx.say(last_words = story.words);
			said = performance.now();
		}
	};
	draw();
	return { box, changed: () => { timer ??= setTimeout(draw, Math.max(0, REDRAW_MS - (performance.now() - drawn))); }, stop: () => clearTimeout(timer) };
}

/* ---- ended */

function about(run, ran) {
	return [
		['Workflow', run.workflow_id || run.workflow_name || 'not known'], ['Run', h('code', run.run_id)], [run.started ? 'Started' : 'Asked for', when(run.started || run.created)],
		known(run.duration_ms) ? ['Took', seconds(run.duration_ms / 1000)] : null, run.sandbox && !ran ? ['Sandbox', run.sandbox] : null, run.requested_by ? ['Asked for by', run.requested_by] : null,
		run.origin && run.origin !== 'v1' ? ['By way of', run.origin] : null, run.sha256 ? ['Package', h('code', { title: run.sha256 }, `sha256:${run.sha256.slice(0, 12)}…`)] : null,
	];
}

function numbers(run, result) {
	const s = result.summary, peaks = result.steps.map(x => x.memory_peak_bytes).filter(known), events_ = result.steps.flatMap(x => (x.observation && x.observation.security) || []);
	const changed = result.files && ['work', 'system', 'tmp'].map(a => result.files[a]).filter(Boolean).reduce((n, c) => n + c.created + c.changed + c.deleted, 0);
	const tile = (n, name, to) => h('li', h('a', { href: route('runs', run.run_id, to) }, h('strong', n), h('span', name)));
	if (!result.steps.length)
		return null;
	return h('ul.tiles', { 'aria-label': 'In numbers' },
		tile(`${s.executed} of ${s.steps}`, 'steps executed', 'steps'), s.simulated + s.emulated ? tile(count(s.simulated + s.emulated), s.emulated ? 'emulated or simulated' : 'only simulated', 'steps') : null,
		s.failed ? tile(count(s.failed), 'failed', 'steps') : null, tile(seconds(result.duration_seconds), 'took', 'timeline'), peaks.length ? tile(bytes(Math.max(...peaks)), 'memory peak', 'resources') : null,
		known(changed) ? tile(count(changed), changed === 1 ? 'file changed' : 'files changed', 'effects') : null, tile(count(events_.length), events_.length === 1 ? 'security event' : 'security events', 'security'),
		tile(count(result.findings.length), result.findings.length === 1 ? 'finding' : 'findings', 'findings'), result.decision ? tile(count(result.decision.score), 'risk of 100', 'policy') : null,
		tile(result.cleanup.complete ? 'clean' : 'NOT CLEAN', `${result.cleanup.gone} of ${result.cleanup.made} gone`, 'cleanup'));
}

function buttons(run, others) {
	const other = others.find(o => o.created < run.created) || others[0];
	return h('p.buttons', run.files ? h('a.button', { href: `#/new?${new URLSearchParams({ run: run.run_id })}` }, 'Run it again') : null, other ? [' ', h('a.button',
		{ href: `#/compare?${new URLSearchParams({ a: other.run_id, b: run.run_id })}` }, other.created < run.created ? 'Compare with the run before' : 'Compare with a later run')] : null);
}

function on_this_page(run, sections) {
	return h('nav.toc', { 'aria-label': 'On this page' }, h('ul', sections.map(s => h('li', h('a', { href: route('runs', run.run_id, s.id) }, s.querySelector('h2').textContent)))));
}

// Steps of the result with the times that events gave.
function timed(result, story) {
	return result.steps.map(s => {
		const told = story.steps.get(`${s.phase}-${s.number}`) || {}, usage = s.observation && s.observation.usage;
		return { key: `${s.phase}-${s.number}`, number: s.number, phase: s.phase, name: s.name, mode: s.mode, status: s.status, reason: s.reason, from: told.from ?? null,
			to: known(told.from) && known(s.duration_seconds) ? told.from + s.duration_seconds : null, duration: s.duration_seconds, points: (usage && usage.points) || told.points || [], retries: told.retries || [], attempts: s.attempts };
	});
}

function whole(run, result, story, source, others) {
	const all = { ...story.run(), steps: timed(result, story) }, resources = charts(all, result.limits);
	const said = [parts.findings(result.findings, source), parts.policy(result.decision)], left = [parts.cleanup(result.cleanup), parts.downloads(run, result.artifacts)];
	const sections = (!result.steps.length ? [...said, parts.parameters(result.parameters), ...left] : [
		section('timeline', 'Timeline', timeline(all, s => route('runs', run.run_id, `step-${s.key}`))),
		section('resources', 'Resources', resources ? [resources, chart_values(all)] : note('Nothing was measured.')),
		parts.steps(run.run_id, result.steps), parts.effects(result), parts.security(result), ...said,
		parts.declared(result.declared_vs_observed), parts.parameters(result.parameters), parts.cluster(result), parts.enforcement(result.enforcement), ...left,
	]).filter(Boolean);
	return h('div', parts.banner(word_of(run), run.detail || result.verdict_reason, buttons(run, others)),
		result.error && result.error.message !== run.detail ? h('p.problem', result.error.message) : null, result.warnings.map(w => h('p.warning', w)), facts([...about(run, result.backend), result.backend ? ['Ran in', `${result.backend.type} (${result.backend.runtime})`] : null, result.profile ? ['Limits', result.profile] : null]),
		numbers(run, result), on_this_page(run, sections), sections);
}

const bare = (run, why) => h('div', parts.banner(word_of(run), run.detail), facts(about(run)), note(why), run.files ? parts.downloads(run) : null);

async function ended(ctx, run, story) {
	if (!run.files)
		return bare(run, run.origin === 'notify' ? 'It ran elsewhere: only its end is known here.' : 'Its files have made room for those of newer runs.');
	const optional = p => p.catch(e => { if (ctx.signal.aborted) throw e; return null; });
	const [result, source, others] = await Promise.all([
		optional(get(api(run.run_id, '/result'), ctx.signal)),
		optional(text(api(run.run_id, '/package'), SOURCE_MAX, ctx.signal)),
		run.workflow_id ? optional(page(`/v1/runs?${new URLSearchParams({ workflow: run.workflow_id, state: 'ended', limit: 20 })}`, ctx.signal)) : null,
		story.verdict ? null : optional(events_so_far(api(run.run_id, '/events'), EVENTS_MAX, e => story.take(e), ctx.signal)),
	]);
	if (!result)
		return bare(run, 'It came to no result.');
	return whole(run, result, story, source && !source.text.includes('\0') ? source.text.split('\n') : null, others ? rows_of(others.body).filter(o => o.run_id !== run.run_id) : []);
}

// A part of the run that the address names: opened, brought into view, focused.
export function run_goto([id]) {
	const target = id && document.getElementById(id);
	if (!target)
		return;
	if (target.tagName === 'DETAILS')
		target.open = true;
	const focus = target.querySelector('summary, h2');
	target.scrollIntoView();
	focus.focus({ preventScroll: true });
}

export async function run(ctx) {
	const [id, part] = ctx.params;
	let row = await get(api(id), ctx.signal);
	const story = new Story();
	const heading = ctx.head(row.workflow_id || row.workflow_name || 'Run');
	const put = box => ctx.main.replaceChildren(heading, box);
	if (row.state !== 'ended') {
		const now = live(ctx, row, story, heading);
		put(now.box);
		await events(api(id, '/events'), e => { story.take(e); now.changed(); }, ctx.signal);
		while ((row = await get(api(id), ctx.signal)).state !== 'ended')
			await pause(300, ctx.signal);
		now.stop();
	}
	const was_here = ctx.main.contains(document.activeElement) && document.activeElement !== ctx.main;
	const box = await ended(ctx, row, story);
	const live_before = ctx.main.contains(heading.nextSibling) && heading.nextSibling !== null;
	heading.textContent = show(row.workflow_id || row.workflow_name || 'Run');
	put(box);
	document.title = `${title(word_of(row))}: ${row.workflow_id || 'run'} – sandbox_runner`;
	if (live_before) {
		ctx.say(`${title(word_of(row))}. ${row.detail || ''}`);
		if (was_here && !ctx.main.contains(document.activeElement))
			heading.focus({ preventScroll: true });
	}
	if (part)
		run_goto([part]);
}
