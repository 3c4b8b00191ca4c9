# SPDX-License-Identifier: Apache-2.0
"""openapi_check BASE: hold the service at BASE and its own description against each other. Prints TAP.

The document is checked on its own first, then against the table of routes, then by a client that knows nothing but the document: for each
operation requests are made from parameters, bodies and examples, and each answer's status, content type, headers and body must be described.
"""
import itertools
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import jsonschema

BASE = sys.argv[1]
DATE_TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$')
METHODS = ('get', 'put', 'post', 'delete', 'patch')
numbers = itertools.count(1)
failed = 0


def report(name, problems):
	global failed
	problems = list(problems)
	print('%sok %d - %s' % ('not ' if problems else '', next(numbers), name))
	for p in problems[:20]:
		print('# ' + ' '.join(str(p).split())[:600])
	failed += bool(problems)
	sys.stdout.flush()


# ---- talking

class Answer:
	def __init__(self, status, headers, body):
		self.status, self.headers, self.body = status, headers, body
		self.type = (headers.get('Content-Type') or '').split(';')[0].strip()

	def json(self):
		return json.loads(self.body)


class Keep(urllib.request.HTTPRedirectHandler):
	def redirect_request(self, *args):
		return None


OPENER = urllib.request.build_opener(Keep, urllib.request.ProxyHandler({}))


def send(method, target, body=None, headers=None):
	request = urllib.request.Request(BASE + target, data=body, method=method, headers=headers or {})
	try:
		with OPENER.open(request, timeout=120) as r:
			return Answer(r.status, r.headers, r.read())
	except urllib.error.HTTPError as e:
		with e:
			return Answer(e.code, e.headers, e.read())


# ---- the document

def walk(value, at='#'):
	yield at, value
	if isinstance(value, dict):
		for k, v in value.items():
			yield from walk(v, '%s/%s' % (at, k))
	elif isinstance(value, list):
		for i, v in enumerate(value):
			yield from walk(v, '%s/%d' % (at, i))


def resolve(doc, value):
	while isinstance(value, dict) and '$ref' in value:
		at = doc
		for part in value['$ref'][2:].split('/'):
			at = at[part.replace('~1', '/').replace('~0', '~')]
		value = at
	return value


def operations(doc):
	for path, item in doc['paths'].items():
		for method in item:
			if method in METHODS:
				yield method, path, item[method]


def check_refs(doc):
	used = set()
	for at, v in walk(doc):
		if isinstance(v, dict) and '$ref' in v:
			ref = v['$ref']
			used.add(ref)
			try:
				resolve(doc, v)
			except (KeyError, TypeError):
				yield '%s: %s leads nowhere' % (at, ref)
	for kind in ('schemas', 'responses', 'parameters'):
		for name in doc['components'][kind]:
			if '#/components/%s/%s' % (kind, name) not in used:
				yield '%s/%s is used by nobody' % (kind, name)


def check_schemas(doc):
	for at, v in walk(doc):
		if at.endswith('/schema') and isinstance(v, dict) or re.fullmatch('#/components/schemas/[A-Za-z]+', at):
			try:
				jsonschema.Draft202012Validator.check_schema(v)
			except jsonschema.SchemaError as e:
				yield '%s: %s' % (at, e.message)


def check_operations(doc):
	seen = set()
	tags = {t['name'] for t in doc['tags']}
	for method, path, op in operations(doc):
		where = '%s %s' % (method.upper(), path)
		if op['operationId'] in seen:
			yield where + ': operationId is there twice'
		seen.add(op['operationId'])
		if not op.get('summary') or not set(op['tags']) <= tags or not op['tags']:
			yield where + ': no summary, or an unknown tag'
		declared = [resolve(doc, p) for p in op.get('parameters', [])]
		if [p['name'] for p in declared if p['in'] == 'path'] != re.findall(r'{(\w+)}', path):
			yield where + ': path parameters are not those of the path'
		for p in declared:
			if p['in'] == 'path' and p.get('required') is not True:
				yield '%s: path parameter %s is not required' % (where, p['name'])
			if 'schema' not in p or not re.fullmatch('path|query|header', p['in']):
				yield '%s: parameter %s' % (where, p['name'])
		if len({(p['in'], p['name']) for p in declared}) != len(declared):
			yield where + ': a parameter is there twice'
		for status, r in op['responses'].items():
			if not re.fullmatch('[2-5][0-9][0-9]', status) or not resolve(doc, r).get('description'):
				yield '%s: response %s' % (where, status)
		if method == 'get' and 'requestBody' in op:
			yield where + ': GET has no body'


def check_document(doc):
	if doc.get('openapi') != '3.1.0' or not doc['info'].get('title') or not doc['info'].get('version'):
		yield 'openapi or info is not as 3.1 wants it'
	unknown = set(doc) - {'openapi', 'info', 'jsonSchemaDialect', 'servers', 'paths', 'webhooks', 'components', 'security', 'tags', 'externalDocs'}
	if unknown:
		yield 'members that OpenAPI does not know: %s' % sorted(unknown)
	known = {'operationId', 'tags', 'summary', 'description', 'security', 'parameters', 'requestBody', 'responses', 'deprecated'}
	for method, path, op in operations(doc):
		if set(op) - known or not op.get('responses'):
			yield '%s %s: %s' % (method, path, sorted(set(op) - known))
		for need in op.get('security', []):
			for name in need:
				if name not in doc['components']['securitySchemes']:
					yield '%s %s: no security scheme %s' % (method, path, name)


def check_against_routes(doc, routes):
	described = {(m.upper(), p): op for m, p, op in operations(doc)}
	served = {(r['method'], r['path']): r for r in routes if not r['hidden']}
	for key in sorted(set(described) - set(served)):
		yield 'described, but not served: %s %s' % key
	for key in sorted(set(served) - set(described)):
		yield 'served, but not described: %s %s' % key
	for key in sorted(set(served) & set(described)):
		r, op = served[key], described[key]
		where = '%s %s' % key
		scopes = [] if r['public'] else sorted(filter(None, r['scopes'].split(',')))
		if op['operationId'] != r['name']:
			yield '%s: operationId %s, but the route is called %s' % (where, op['operationId'], r['name'])
		if sorted(s for need in op['security'] for s in need.get('bearer', [])) != scopes:
			yield '%s: scopes %s, but it asks for %s' % (where, op['security'], scopes)
		keyed = {'$ref': '#/components/parameters/IdempotencyKey'} in op.get('parameters', [])
		if keyed != r['changes']:
			yield '%s: Idempotency-Key is %sdescribed' % (where, '' if keyed else 'not ')
		if 'requestBody' in op and not r['body']:
			yield where + ': a body is described, but none is taken'


# ---- answers

def closed(schema):
	"""The same, but members that are not described are wrong: readers must ignore them, the document must not."""
	if isinstance(schema, list):
		return [closed(s) for s in schema]
	if not isinstance(schema, dict):
		return schema
	out = {k: closed(v) for k, v in schema.items()}
	if isinstance(schema.get('properties'), dict) and schema.get('type') == 'object':
		out.setdefault('additionalProperties', False)
	return out


FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks('date-time')(lambda v: not isinstance(v, str) or bool(DATE_TIME.match(v)))


class Client:
	def __init__(self, doc):
		self.doc = doc
		self.components = {'schemas': closed(doc['components']['schemas'])}
		self.seen = {}

	def fits(self, value, schema):
		schema = dict(closed(schema), components=self.components)
		v = jsonschema.Draft202012Validator(schema, format_checker=FORMATS)
		e = jsonschema.exceptions.best_match(v.iter_errors(value))
		return None if e is None else 'body%s: %s' % (''.join('/%s' % p for p in e.absolute_path), e.message)

	def values_of(self, answer, media):
		if media == 'application/x-ndjson':
			return [json.loads(line) for line in answer.body.decode().splitlines()]
		if media == 'text/event-stream':
			return [json.loads(line[5:]) for line in answer.body.decode().split('\n') if line.startswith('data:')]
		if media.endswith('json'):
			return [answer.json()]
		return [answer.body.decode('utf-8', 'replace')]

	def judge(self, op, answer):
		r = resolve(self.doc, op['responses'].get(str(answer.status)))
		self.seen.setdefault(op['operationId'], set()).add(answer.status)
		if r is None:
			yield 'status %d is not described: %s' % (answer.status, answer.body[:300])
			return
		if not re.fullmatch(r'[A-Za-z0-9._-]{1,47}', answer.headers.get('X-Request-Id') or ''):
			yield 'no X-Request-Id'
		for name in r.get('headers', {}):
			if name != 'Link' and answer.headers.get(name) is None:
				yield 'status %d: the header %s is described and did not come' % (answer.status, name)
		content = r.get('content')
		if not content:
			if answer.body:
				yield 'status %d: a body came that is not described' % answer.status
			return
		if answer.type not in content:
			yield 'status %d: content type %s is not described' % (answer.status, answer.type)
			return
		for value in self.values_of(answer, answer.type):
			wrong = self.fits(value, content[answer.type]['schema'])
			if wrong:
				yield 'status %d: %s' % (answer.status, wrong)
				return

	def target(self, path, op, ids, with_query):
		query = {}
		for p in (resolve(self.doc, p) for p in op.get('parameters', [])):
			if p['in'] == 'path':
				path = path.replace('{%s}' % p['name'], urllib.parse.quote(ids.get(p['name'], p.get('example', 'none')), safe=''))
			elif p['in'] == 'query' and (p.get('required') or (with_query and 'example' in p)):
				query[p['name']] = str(p['example'])
		return path + ('?' + urllib.parse.urlencode(query) if query else '')

	def bodies(self, op):
		"""Each way in which the document lets a body be sent: (content type, bytes)."""
		body = op.get('requestBody')
		if not body:
			return [(None, None)]
		found = [] if body.get('required') else [(None, None)]
		for media, m in body['content'].items():
			if media == 'multipart/form-data':
				fields = [('file', PACKAGE)] if 'file' in m['schema']['properties'] else []
				found.append(('multipart/form-data; boundary=b0undary', multipart(fields)))
			elif media == 'application/json' and 'example' in m:
				wrong = self.fits(m['example'], m['schema'])
				if wrong:
					raise ValueError('the example does not fit its schema: ' + wrong)
				found.append((media, json.dumps(m['example']).encode()))
			elif m['schema'].get('type') == 'string':
				found.append((media, PACKAGE.encode()))
		return found

	def accepted(self, op):
		"""What can be asked for by Accept: nothing, and each type of a success."""
		types = {None: 0}
		for status, r in op['responses'].items():
			types.update((t, 0) for t in resolve(self.doc, r).get('content', {}) if status < '300')
		return list(types)

	def call(self, method, path, op, ids, with_query=True):
		for (media, data), accept in itertools.product(self.bodies(op), self.accepted(op)):
			headers = {k: v for k, v in (('Content-Type', media), ('Accept', accept)) if v}
			if method != 'get' and accept:
				continue
			target = self.target(path, op, ids, with_query)
			answer = send(method.upper(), target, data, headers)
			for wrong in self.judge(op, answer):
				yield '%s %s (%s): %s' % (method.upper(), target, media, wrong)
			yield answer
			if method == 'get':
				head = send('HEAD', target, None, headers)
				if (head.status, head.type, head.body) != (answer.status, answer.type, b''):
					yield 'HEAD %s: %d %s, but GET: %d %s' % (target, head.status, head.type, answer.status, answer.type)


def multipart(fields):
	out = ''.join('--b0undary\r\nContent-Disposition: form-data; name="%s"; filename="hello.wpk.yaml"\r\n'
		      'Content-Type: application/x-yaml\r\n\r\n%s\r\n' % f for f in fields)
	return (out + '--b0undary--\r\n').encode()


# ---- what is not as described

VALUES = (None, True, 0, -1, 1e308, 2 ** 63, '', '0', 'x' * 5000, '../../etc/passwd', 'a\x00b', '\ud800', '\u202e', '${HOME}', [], [[]], {}, {'': {'': ''}})
BODIES = (b'', b'null', b'[]', b'""', b'0', b'{', b'}', b'{"a":1,"a":2}', b'\xff\xfe', b'{"\xff":1}', b'\x00', b'[' * 5000, b'{"a":' * 100 + b'1' + b'}' * 100,
	b'--b0undary', b'- &a [*a]')
TYPES = ('application/json', 'application/yaml', 'multipart/form-data; boundary=b0undary', 'multipart/form-data', 'application/x-www-form-urlencoded', 'image/png', '', None)
QUERIES = ('', '0', '-1', '1.5', '18446744073709551616', 'x' * 3000, '%00', '%ff', '%e2%80%ae', "'--", '%7B%7D', 'true', 'a%0d%0aX-Injected:%201')


def hostile_bodies(op):
	"""(content type, bytes): each member of each example as something else, left out, and with a stranger; then what is no JSON at all."""
	for media, m in op.get('requestBody', {}).get('content', {}).items():
		for name in m.get('example', {}):
			for value in VALUES:
				yield media, json.dumps(dict(m['example'], **{name: value})).encode()
			yield media, json.dumps({k: v for k, v in m['example'].items() if k != name}).encode()
		if 'example' in m:
			yield media, json.dumps(dict(m['example'], stranger=1)).encode()
	if 'requestBody' in op:
		yield from itertools.product(TYPES, BODIES)


def check_hostile(client, method, path, op, ids):
	target = client.target(path, op, ids, False)
	glue = '&' if '?' in target else '?'
	asked = [(target, data, media) for media, data in hostile_bodies(op)]
	media, data = client.bodies(op)[-1]
	asked += [(target.split('?')[0] + '?' + p['name'] + '=' + v, data, media) for p in (resolve(client.doc, p) for p in op.get('parameters', []))
		  if p['in'] == 'query' for v in QUERIES]
	asked += [(target + glue + 'stranger=1', data, media), (target + glue + 'a&&=&==b&%41', data, media)]
	for to, body, media in asked:
		# urllib would name a type of its own
		answer = send(method.upper(), to, body, {'Content-Type': media} if media is not None else {'Content-Type': ''} if body else {})
		if answer.status >= 500 and answer.status != 501 or answer.headers.get('X-Injected'):
			yield '%s %s (%s) %r: %d %s' % (method, to[:150], media, (body or b'')[:150], answer.status, answer.body[:200])
		for wrong in client.judge(op, answer):
			yield '%s %s (%s) %r: %s' % (method, to[:150], media, (body or b'')[:150], wrong)


def ended_run(run_id):
	for _ in range(600):
		answer = send('GET', '/v1/runs/' + run_id)
		if answer.status != 200 or answer.json()['state'] == 'ended':
			return
		time.sleep(0.2)


def names(answers):
	"""What the answers so far say that things are called."""
	ids = {}
	for a in answers:
		if a.status < 300 and a.type == 'application/json' and isinstance(a.json(), dict):
			for k in ('run_id', 'execution_id', 'workflow_id'):
				if isinstance(a.json().get(k), str):
					ids[k] = a.json()[k]
	return ids


# What makes the things that the others need comes first, what takes them away last.
FIRST = ('registry_upload', 'create_run', 'agent_execute')
LAST = ('cancel_run', 'agent_rollback', 'delete_run', 'registry_delete')


def order(item):
	oid = item[2]['operationId']
	return (0, FIRST.index(oid)) if oid in FIRST else (2, LAST.index(oid)) if oid in LAST else (1, 0)


def main():
	global PACKAGE
	answer = send('GET', '/openapi.json')
	doc = answer.json()
	PACKAGE = doc['paths']['/v1/runs']['post']['requestBody']['content']['application/json']['example']['package']
	report('the document is there', [] if answer.status == 200 and answer.type == 'application/json' else [answer.status, answer.type])
	report('it is of OpenAPI 3.1', check_document(doc))
	report('all references lead somewhere', check_refs(doc))
	report('all schemas are schemas', check_schemas(doc))
	report('operations are whole', check_operations(doc))
	report('it describes what is served, and nothing else', check_against_routes(doc, send('GET', '/v1/routes').json()))

	client = Client(doc)
	ids = {}
	for method, path, op in sorted(operations(doc), key=order):
		wrong, answers = [], []
		if order((method, path, op))[0] == 1 and 'run_id' in ids and not ids.get('ended'):
			ended_run(ids['run_id'])
			ids['ended'] = True
		for with_query in (True, False):
			for a in client.call(method, path, op, ids, with_query):
				(answers if isinstance(a, Answer) else wrong).append(a)
		if order((method, path, op))[0] == 0:
			ids.update(names(answers))
		good = any(a.status < 300 for a in answers)
		only = [s for s in op['responses'] if s < '300']
		if only and not good:
			wrong.append('never answered with success: %s' % [(a.status, a.body[:200]) for a in answers])
		report('%s %s answers as described' % (method.upper(), path), wrong)

	wrong = []
	for method, path, op in operations(doc):
		if '{' in path:
			for unknown in ('unknown-0.0.0', '%2e%2e', '..%2f..%2fetc', 'a' * 300, '%00', '%ff', "'%20OR%201=1"):
				target = re.sub(r'{\w+}', lambda m: unknown, path)
				media, data = client.bodies(op)[-1]
				a = send(method.upper(), target, data, {'Content-Type': media} if media else {})
				if a.status < 400 or a.status >= 500:
					if not (a.status == 200 and op['operationId'] == 'registry_dry_run') and a.status != 501:
						wrong.append('%s %s: %d' % (method, target, a.status))
				wrong += ['%s %s: %s' % (method, target, w) for w in client.judge(op, a)]
	report('names of nothing are refused as described', wrong)
	again = multipart([('file', PACKAGE)]), {'Content-Type': 'multipart/form-data; boundary=b0undary'}
	ids = names([send('POST', '/workflows', *again), send('POST', '/v1/runs?wait=60s', *again)])
	for method, path, op in sorted(operations(doc), key=order):
		report('%s %s refuses what is wrong as described' % (method.upper(), path), check_hostile(client, method, path, op, ids))
	report('it is still well', [] if send('GET', '/readyz').status == 200 else ['not ready'])
	print('1..%d' % (next(numbers) - 1))
	sys.exit(1 if failed else 0)


main()
