// SPDX-License-Identifier: Apache-2.0
// stats: how the runs of each workflow went.

import { h, svg, table, note, num, when, seconds, bytes, count, many, title, tone, known } from './dom.js';
import { get } from './api.js';

const ORDER = ['good', 'part', 'none', 'bad'];
const ms = n => known(n) ? seconds(n / 1000) : '–';

function verdicts(of) {
	const list = Object.entries(of).sort(([a], [b]) => ORDER.indexOf(tone(a)) - ORDER.indexOf(tone(b))), all = list.reduce((n, [, k]) => n + k, 0);
	let x = 0;
	return [svg('svg', { class: 'bar', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, list.map(([word, n]) => {
		const width = 1000 * n / all;
		x += width;
		return svg('rect', { class: tone(word), x: x - width, y: 0, width: Math.max(1, width - 3), height: 10 });
	})), h('div.dim', list.map(([word, n]) => `${count(n)} ${title(word).toLowerCase()}`).join(', '))];
}

function row(g) {
	const d = g.duration_ms || {}, m = g.memory_peak_bytes || {};
	return [g.workflow_id ? h('a', { href: `#/runs?${new URLSearchParams({ workflow: g.workflow_id })}` }, g.workflow_id) : 'all together', num(count(g.runs)),
		known(g.success_rate) ? [num(`${(100 * g.success_rate).toFixed(g.success_rate === 1 ? 0 : 1)} %`), h('div.dim', `${count(g.succeeded)} of ${count(g.executed)}`)] : 'none ran', verdicts(g.verdicts),
		[num(ms(d.p50)), g.duration_ms ? h('div.dim', `average ${ms(d.average)}, 95 of 100 within ${ms(d.p95)}, longest ${ms(d.max)}`) : null], [num(bytes(m.max)), g.memory_peak_bytes ? h('div.dim', `average ${bytes(m.average)}`) : null],
		num(count(g.security_events)), g.cleanup_failures ? h('strong', count(g.cleanup_failures)) : num('0'), when(g.last_ended)];
}

export async function stats(ctx) {
	const body = await get('/v1/stats', ctx.signal);
	ctx.head('Statistics');
	ctx.main.append(note(`Over the last ${many(body.looked_at, 'run')}. A success is a run that was verified, or in part: what was executed passed, the rest was only simulated.`),
		body.looked_at ? table('Runs by workflow', ['Workflow', 'Runs', 'Success', 'Verdicts', 'Took (median)', 'Memory at most', 'Security events', 'Clean-up failures', 'Last'],
			[...(body.workflows.length > 1 ? [row(body.all)] : []), ...body.workflows.map(row)], 'stats') : h('p.empty', 'Nothing has ended yet. ', h('a', { href: '#/new' }, 'Start a dry run')),
		body.workflows_left_out_runs ? note(`${many(body.workflows_left_out_runs, 'run')} of more workflows are only counted in the sum.`) : '');
}
