// SPDX-License-Identifier: Apache-2.0
// charts: the timeline of a run and its resources over time. Everything a chart shows is also there as text.
// A step here is {key, number, phase, name, kind, mode, status, reason, from, to, duration, points}: `from` and `to` in seconds since the run began, null: not known.

import { h, svg, badge, num, seconds, bytes, cpus, count, known, table } from './dom.js';

const WIDE = 1000, HIGH = 100;

function bar(from, to, total, kind, ticks = []) {
	const x = t => Math.min(WIDE, WIDE * t / total);
	return svg('svg', { class: 'bar', viewBox: `0 0 ${WIDE} 10`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
		svg('rect', { class: 'rail', x: 0, y: 4.5, width: WIDE, height: 1 }),
		svg('rect', { class: kind, x: x(from), y: 0, width: Math.max(4, x(to) - x(from)), height: 10, rx: 1 }),
		ticks.map(t => svg('rect', { class: 'tick', x: x(t), y: 0, width: 3, height: 10 })));
}

const STATUS_CLASS = { passed: 'good', failed: 'bad', timed_out: 'bad', limit: 'bad', cancelled: 'none', running: 'live' };

// One row a step, and one for making and for removing the sandbox where their times are known.
export function timeline(run, link) {
	const total = Math.max(run.total || 0, ...run.steps.map(s => s.to || 0), 0.001);
	const phase = (name, span) => span && known(span.to) ? [{ class: 'phase', cells: [name, '', '', bar(span.from, span.to, total, 'plain'), num(`+${seconds(span.from)}`), num(seconds(span.to - span.from))] }] : [];
	const rows = run.steps.map(s => {
		const ran = known(s.from) && known(s.to);
		const label = `${s.phase === 'rollback' ? 'rollback ' : ''}${s.number}. ${s.name}`;
		return { class: s.mode === 'executed' || !s.mode ? '' : 'not-run', cells: [
			link ? h('a', { href: link(s) }, label) : label,
			s.mode ? badge(s.mode) : '',
			[badge(s.status), s.attempts > 1 ? h('div.dim.num', `${count(s.attempts)} attempts`) : null],
			ran ? bar(s.from, s.to, total, STATUS_CLASS[s.status] || 'plain', s.retries) : h('em.dim', s.reason || (s.mode === 'executed' ? 'its time was not recorded' : 'not executed')),
			num(ran ? `+${seconds(s.from)}` : '–'),
			num(seconds(s.duration)),
		] };
	});
	return table(`Steps over ${seconds(total)}`, ['Step', 'How', 'Status', 'When', 'Began', 'Took'],
		[...phase('sandbox made', run.setup), ...rows, ...phase('cleaned up', run.cleanup)], 'timeline');
}

// Lines of one step each: a point stands for the time that ends with it.
function chart(name, steps, total, of, format, limit) {
	const lines = steps.filter(s => known(s.from)).map(s => {
		const points = s.points.filter(p => known(of(p))).map(p => ({ at: s.from + p.at_seconds, value: of(p), step: s }));
		return points.length ? [{ ...points[0], at: s.from }, ...points] : [];
	}).filter(l => l.length);
	const all = lines.flat();
	if (!all.length)
		return null;
	const peak = all.reduce((a, b) => b.value > a.value ? b : a);
	if (!peak.value)
		return null;	// steps so short that nobody looked
	const near = limit && peak.value > limit / 3;
	const top = Math.max(near ? limit : 0, peak.value * 1.15, 1);
	const x = t => (WIDE * Math.min(t, total) / total).toFixed(1), y = v => (HIGH - HIGH * v / top).toFixed(1);
	const words = `highest ${format(peak.value)} in step ${peak.step.number}, ${peak.step.name}, at +${seconds(peak.at)}${limit ? `, limit ${format(limit)}` : ''}`;
	return h('figure.chart',
		h('figcaption', h('strong', name), h('span.dim', ` ${words}`)),
		h('div.plot',
			svg('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${name} over ${seconds(total)}: ${words}` },
				[0.25, 0.5, 0.75].map(f => svg('line', { class: 'grid', x1: 0, x2: WIDE, y1: HIGH * f, y2: HIGH * f })),
				steps.filter(s => known(s.from) && s.from > 0).map(s => svg('line', { class: 'edge', x1: x(s.from), x2: x(s.from), y1: 0, y2: HIGH })),
				lines.map(l => svg('path', { class: 'area', d: `M${x(l[0].at)} ${HIGH}${l.map(p => `L${x(p.at)} ${y(p.value)}`).join('')}L${x(l.at(-1).at)} ${HIGH}Z` })),
				lines.map(l => svg('path', { class: 'line', d: l.map((p, i) => `${i ? 'L' : 'M'}${x(p.at)} ${y(p.value)}`).join('') })),
				near ? svg('line', { class: 'limit', x1: 0, x2: WIDE, y1: y(limit), y2: y(limit) }) : null),
			h('span.top', { 'aria-hidden': 'true' }, format(top)), h('span.left', { 'aria-hidden': 'true' }, '0'), h('span.right', { 'aria-hidden': 'true' }, seconds(total))));
}

export function charts(run, limits) {
	const total = Math.max(run.total || 0, ...run.steps.map(s => s.to || 0), 0.001);
	const l = limits || {};
	const made = [
		chart('CPU', run.steps, total, p => p.cpu_millis, cpus, l.cpu_millis),
		chart('Memory', run.steps, total, p => p.memory_bytes, bytes, l.memory_bytes),
		chart('Processes', run.steps, total, p => p.pids, n => count(Math.round(n)), l.pids),
	].filter(Boolean);
	return made.length ? h('div.charts', made) : null;
}

export function chart_values(run) {
	const rows = run.steps.filter(s => known(s.from)).flatMap(s => s.points.map(p => [`+${seconds(s.from + p.at_seconds)}`, `${s.number}. ${s.name}`,
		cpus(p.cpu_millis), bytes(p.memory_bytes), known(p.pids) ? count(p.pids) : '–', bytes(p.storage_bytes)]));
	const box = h('details', h('summary', 'The values as a table'));
	box.addEventListener('toggle', () => box.append(table('Resources over time', ['At', 'Step', 'CPU', 'Memory', 'Processes', 'Storage'], rows)), { once: true });
	return rows.length ? box : null;
}
