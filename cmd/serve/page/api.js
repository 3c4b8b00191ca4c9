// SPDX-License-Identifier: Apache-2.0
// api: requests with the token, problems as errors, streams line by line. EventSource cannot send a token: events are read by hand.

const KEY = 'sandbox_runner.token';
export const token = {
	get: () => sessionStorage.getItem(KEY),
	set: text => text ? sessionStorage.setItem(KEY, text) : sessionStorage.removeItem(KEY),
};

export class Problem extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
	}
}

export async function request(path, options = {}) {
	const headers = new Headers(options.headers);
	if (token.get())
		headers.set('Authorization', `Bearer ${token.get()}`);
	let answer;
	try {
		answer = await fetch(path, { cache: 'no-store', ...options, headers });
	} catch (e) {
		if (e.name === 'AbortError')
			throw e;
		throw new Problem(0, 'the service does not answer');
	}
	if (answer.ok)
		return answer;
	let detail = `${answer.status} ${answer.statusText}`;
	try {
		const problem = await answer.json(), errors = problem.errors || [];
		detail = errors.length > 1 ? errors.map(e => `${e.pointer} ${e.detail}`).join('; ') : problem.detail || detail;
	} catch { /* no problem+json: the status has to do */ }
	if (answer.status === 401)
		dispatchEvent(new CustomEvent('token-wanted', { detail: token.get() ? detail : null }));
	throw new Problem(answer.status, detail);
}

export const get = async (path, signal) => (await request(path, { signal })).json();
export const post = (path, body, headers = {}) => request(path, {
	method: 'POST',
	body: body instanceof FormData ? body : JSON.stringify(body),
	headers: { ...(body instanceof FormData ? {} : { 'Content-Type': 'application/json' }), ...headers },
});

// The next page by the Link header, whatever its cursor is.
export async function page(path, signal) {
	const answer = await request(path, { signal });
	const next = /<([^>]*)>;\s*rel="?next"?/.exec(answer.headers.get('Link') || '');
	return { body: await answer.json(), next: next && new URL(next[1], location.href).pathname + new URL(next[1], location.href).search };
}

// A text, but not more of it than `max` characters.
export async function text(path, max, signal) {
	const answer = await request(path, { signal });
	const reader = answer.body.getReader(), decoder = new TextDecoder();
	let all = '';
	for (;;) {
		const { done, value } = await reader.read();
		all += decoder.decode(value, { stream: !done });
		if (done)
			return { text: all, whole: true };
		if (all.length > max) {
			reader.cancel();
			return { text: all.slice(0, max), whole: false };
		}
	}
}

// Read the body by lines; `each` may return false for enough.
async function by_lines(body, each) {
	const reader = body.getReader(), decoder = new TextDecoder();
	let rest = '';
	for (;;) {
		const { done, value } = await reader.read();
		const lines = (rest + decoder.decode(value, { stream: !done })).split('\n');
		rest = lines.pop();
		for (const line of lines)
			if (each(line.endsWith('\r') ? line.slice(0, -1) : line) === false) {
				reader.cancel();
				return;
			}
		if (done)
			return;
		if (rest.length > 8 << 20)
			throw new Problem(0, 'an event of more than 8 MiB');
	}
}

// What has been written until now, as NDJSON; at most `max` characters of it.
export async function events_so_far(path, max, on_event, signal) {
	const answer = await request(`${path}?follow=false`, { signal, headers: { Accept: 'application/x-ndjson' } });
	await by_lines(answer.body, line => {
		max -= line.length;
		if (line)
			on_event(JSON.parse(line));
		return max > 0;
	});
}

const pause = (ms, signal) => new Promise(done => {
	const t = setTimeout(done, ms);
	signal.addEventListener('abort', () => { clearTimeout(t); done(); }, { once: true });
});

// Live, from the beginning, until the event "end"; a broken stream goes on behind the last event that came.
export async function events(path, on_event, signal) {
	let last = null, wait = 500;
	while (!signal.aborted) {
		try {
			const answer = await request(path, { signal, headers: { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) } });
			if (answer.status === 204)
				return;
			let id = last, type = '', data = [], end = false;
			await by_lines(answer.body, line => {
				const [, field, value] = /^([^:]*)(?:: ?)?(.*)$/.exec(line);
				if (field === 'id')
					id = value;
				else if (field === 'event')
					type = value;
				else if (field === 'data')
					data.push(value);
				if (line !== '')
					return true;
				last = id;
				end = type === 'end';
				if (data.length && !end)
					on_event(JSON.parse(data.join('\n')));
				type = '';
				data = [];
				wait = 500;
				return !end;
			});
			if (end)
				return;
		} catch (e) {
			if (signal.aborted || (e instanceof Problem && e.status >= 400 && e.status < 500 && e.status !== 429))
				throw e;
		}
		await pause(wait, signal);
		wait = Math.min(2 * wait, 8000);
	}
}
export { pause };

// Of a link to a file of the API: a plain link cannot send a token, so with one the file is fetched and handed over.
export async function download(event) {
	if (!token.get())
		return;
	event.preventDefault();
	const link = event.currentTarget;
	const answer = await request(link.getAttribute('href'));
	const url = URL.createObjectURL(await answer.blob());
	const copy = document.createElement('a');
	copy.href = url;
	copy.download = link.download || 'download';
	copy.click();
	setTimeout(() => URL.revokeObjectURL(url), 60000);
}
