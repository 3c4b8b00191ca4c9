// SPDX-License-Identifier: Apache-2.0
// start: a new dry run, of a registered package, of a file, or of what an earlier run had. The ${NAME}s of the package become fields.

import { h, route, note } from './dom.js';
import { get, post, request } from './api.js';

const FILE_MAX = 8 << 20;

// Every ${NAME} and ${NAME:-default}, in order, each once.
function names_of(content) {
	const found = new Map();
	for (const [, name, fallback] of content.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g))
		if (!found.has(name) || fallback !== undefined)
			found.set(name, fallback);
	return found;
}

const field = (id, label, control, hint) => h('div.field', h('label', { for: id }, label), control, hint ? h('p.note', { id: `${id}-hint` }, hint) : null);
const option = (value, text_, selected) => h('option', { value, selected }, text_);

function parameter_fields(box) {
	let fields = [], extra = 0;
	const line = (name, fallback, value) => {
		const id = `param-${name}`;
		const input = h('input', { id, autocomplete: 'off', spellcheck: 'false', placeholder: known_default(fallback), value });
		fields.push({ name: () => name, input });
		return field(id, h('code', name), input, fallback === undefined ? 'the package has no default for it' : null);
	};
	const known_default = fallback => fallback === undefined ? '' : fallback === '' ? 'default: empty' : `default: ${fallback}`;
	const add = () => {
		extra++;
		const name = h('input', { 'aria-label': `name of parameter ${extra}`, placeholder: 'NAME', autocomplete: 'off', spellcheck: 'false' });
		const input = h('input', { 'aria-label': `value of parameter ${extra}`, placeholder: 'value', autocomplete: 'off', spellcheck: 'false' });
		fields.push({ name: () => name.value.trim(), input });
		box.insertBefore(h('div.pair', name, input), button);
		name.focus();
	};
	const button = h('button', { type: 'button', onclick: add }, 'Add a parameter');
	box.append(h('legend', 'Parameters'), button);
	return {
		offer(content, values = {}) {
			fields = [];
			const names = names_of(content);
			box.replaceChildren(h('legend', 'Parameters'), names.size ? [...names].slice(0, 100).map(([n, d]) => line(n, d, values[n])).reduce((f, x) => (f.append(x), f),
				document.createDocumentFragment()) : note('None are known; whatever the package refers to can be added.'), button);
		},
		values: () => Object.fromEntries(fields.filter(f => f.name() && f.input.value !== '').map(f => [f.name(), f.input.value])),
	};
}

const key = () => [...crypto.getRandomValues(new Uint8Array(16))].map(x => x.toString(16).padStart(2, '0')).join('');

// What an earlier run had, with its parameters that were not secret; null: nothing of it is left.
async function earlier(id, signal) {
	const path = `/v1/runs/${encodeURIComponent(id)}`;
	const [answer, result] = await Promise.all([request(`${path}/package`, { signal }), get(`${path}/result`, signal).catch(() => ({ parameters: [] }))]);
	const [, name] = /filename="?([^";]+)/.exec(answer.headers.get('Content-Disposition') || '') || [0, 'package.wpk.yaml'];
	return { id, name, blob: await answer.blob(), parameters: Object.fromEntries(result.parameters.filter(p => p.given && !p.secret).map(p => [p.name, p.value])) };
}

const is_text = (name, size) => /\.(ya?ml|json)$/i.test(name) && size < FILE_MAX;

function order(form, parameters, old) {
	const how = { type: form.elements.type.value, profile: form.elements.profile.value, timeout: form.elements.timeout.value.trim(), monitor: 'true' };
	const wanted = Object.fromEntries(Object.entries(how).filter(([, value]) => value));
	if (form.elements.from.value === 'registered')
		return { workflow_id: form.elements.workflow.value, ...(Object.keys(parameters).length ? { parameters } : {}), ...wanted };
	const body = new FormData();
	if (form.elements.from.value === 'run')
		body.append('file', old.blob, old.name);
	else
		body.append('file', form.elements.file.files[0]);
	if (Object.keys(parameters).length)
		body.append('parameters', JSON.stringify(parameters));
	for (const [name, value] of Object.entries(wanted))
		body.append(name, value);
	return body;
}

export async function start(ctx) {
	ctx.head('New dry run');
	const run = ctx.query.get('run');
	const [registered, kinds, old] = await Promise.all([get('/workflows', ctx.signal), get('/v1/sandboxes', ctx.signal).catch(() => null), run ? earlier(run, ctx.signal) : null]);
	const packages = registered.workflows || [], types = kinds ? kinds.types : [];
	const chosen = ctx.query.get('workflow');
	const problem = h('p.problem', { role: 'alert', hidden: true });
	const box = h('fieldset.parameters');
	const parameters = parameter_fields(box);
	const select = h('select', { id: 'workflow', name: 'workflow' }, packages.map(w => option(w.id, w.description ? `${w.id} – ${w.description}` : w.id, w.id === chosen)));
	const file = h('input', { id: 'file', name: 'file', type: 'file', accept: '.yaml,.yml,.json,.gz,.zip,.tar,.tgz' });
	const by_name = field('workflow', 'Registered package', select), by_file = field('file', 'Package file', file, 'a .wpk.yaml, or a bundle (.wpk.tar.gz, .zip)');
	const radio = (value, ...label) => h('label.radio', h('input', { type: 'radio', name: 'from', value, checked: value === (old ? 'run' : packages.length ? 'registered' : 'file'),
		disabled: value === 'registered' && !packages.length }), ' ', label);
	const send = h('button.first', { type: 'submit' }, 'Start the dry run');
	const form = h('form.start',
		h('fieldset', h('legend', 'Package'), h('p', old ? radio('run', 'that of run ', h('code', run)) : null, radio('registered', packages.length ? 'one that is registered' : 'one that is registered (there is none)'), radio('file', 'a file')), by_name, by_file),
		box,
		h('fieldset', h('legend', 'Sandbox'), h('div.row',
			field('type', 'Kind', h('select', { id: 'type', name: 'type' }, option('', 'as the service says'), types.map(t => option(t, t)))),
			field('profile', 'Limits', h('select', { id: 'profile', name: 'profile' }, option('', 'as the service says'),
				['default', 'restrictive', 'standard', 'permissive'].map(p => option(p, p)))),
			field('timeout', 'Deadline', h('input', { id: 'timeout', name: 'timeout', placeholder: '30m', autocomplete: 'off', size: 8 }), 'as in 90s or 1h30m'))),
		problem, h('p.buttons', send));

	let asked = 0;
	const package_changed = async () => {
		const from = form.elements.from.value, mine = ++asked, picked = from === 'file' ? file.files[0] : from === 'run' ? old.blob : null;
		let content = '';
		by_name.hidden = from !== 'registered';
		by_file.hidden = from !== 'file';
		try {
			if (picked && is_text(picked.name || old.name, picked.size))
				content = await picked.text();
			else if (from === 'registered' && select.value)
				content = (await get(`/workflows/${encodeURIComponent(select.value)}`, ctx.signal)).wpk_content || '';
			if (mine === asked)	// not an answer that comes late
				parameters.offer(content, from === 'run' ? old.parameters : {});
		} catch (e) {
			if (!ctx.signal.aborted)
				fail(e);
		}
	};
	const fail = e => {
		problem.textContent = e.message;
		problem.hidden = false;
	};
	const once = key();
	let attempt = 0;
	form.addEventListener('change', e => {
		if (e.target.name === 'from' || e.target === select || e.target === file)
			package_changed();
	});
	form.addEventListener('submit', async e => {
		e.preventDefault();
		problem.hidden = true;
		if (form.elements.from.value === 'file' && !file.files[0]) {
			fail(new Error('choose a package file first'));
			file.focus();
			return;
		}
		send.disabled = true;
		try {
			const answer = await post('/v1/runs', order(form, parameters.values(), old), { 'Idempotency-Key': `${once}-${attempt}` });
			const run = await answer.json();
			location.hash = route('runs', run.run_id);
		} catch (x) {
			if (x.status)	// no answer: it may have begun, and the same key finds that run
				attempt++;
			fail(x);
		} finally {
			send.disabled = false;
		}
	});
	ctx.main.append(form);
	await package_changed();
}
