// SPDX-License-Identifier: Apache-2.0
// stats: how the runs of each workflow went.

import { h, table, note, seconds, bytes, count, known } from './dom.js';
import { get } from './api.js';

export async function stats(ctx) {
	const body = await get('/v1/stats', ctx.signal);
	ctx.head('Statistics');
	ctx.main.append(h('pre', JSON.stringify(body, null, 1)));
}
