#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""page_check BASE FOLDER RUNS: drives the page in headless Chromium; prints TAP. RUNS is JSON: {partial, verified, hostile: run ids, workflow: a registered
package that takes some seconds, secured: the address of a service that wants `token`}. Every text that is looked for is one that people see."""
import http.client
import json
import os
import sys
import time

from browser import Broken, Browser

# What axe would look at, as far as this page can get it wrong. Returns complaints.
AUDIT = r"""(() => {
const bad = [], say = (what, e) => bad.length < 20 && bad.push(`${what}: ${(e.outerHTML || '').slice(0, 120)}`);
const shown = e => e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && e.getClientRects().length > 0;
const all = q => [...document.querySelectorAll(q)].filter(shown);
const name = e => (e.getAttribute('aria-label') || (e.labels && [...e.labels].map(l => l.textContent).join(' ')) || e.textContent || '').trim();
for (const e of all('a[href], button, summary, input, select, progress')) if (!name(e)) say('has no name', e);
for (const e of all('svg')) if (e.getAttribute('role') === 'img' ? !e.getAttribute('aria-label') : e.getAttribute('aria-hidden') !== 'true') say('svg without a text', e);
for (const e of all('img')) say('img', e);
for (const e of all('table')) if (!e.caption || !e.caption.textContent.trim()) say('table without caption', e);
for (const e of all('table th')) if (!e.scope) say('th without scope', e);
for (const e of all('section')) if (!document.getElementById(e.getAttribute('aria-labelledby'))) say('section without a name', e);
for (const e of all('figure')) if (!e.querySelector('figcaption')) say('figure without caption', e);
for (const e of all('fieldset')) if (!e.querySelector('legend')) say('fieldset without legend', e);
for (const e of all('pre')) if (e.tabIndex !== 0 || !e.getAttribute('aria-label')) say('pre that keys cannot scroll', e);
let level = 0;
for (const e of all('h1, h2, h3, h4, h5')) { const n = +e.tagName[1]; if (n > level + 1) say(`heading after h${level}`, e); level = n; }
if (all('h1').length !== 1) say('one h1', document.body);
for (const q of ['main', 'header', 'nav[aria-label]', '[role=status]']) if (!document.querySelector(q)) say(`no ${q}`, document.body);
if (document.documentElement.lang !== 'en') say('lang', document.documentElement);
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) bad.push(`id ${id} twice`);
for (const e of document.querySelectorAll('[style]')) say('style attribute', e);
const rgba = c => { const n = c.match(/[\d.]+/g).map(Number); return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1]; };
const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = e => { const up = []; for (; e; e = e.parentElement) up.push(rgba(getComputedStyle(e).backgroundColor)); return up.reverse().reduce((under, c) => over(c, under), [255, 255, 255, 1]); };
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
	const e = walk.currentNode.parentElement, s = getComputedStyle(e);
	if (!walk.currentNode.data.trim() || !shown(e) || e.closest('option, :disabled, .unseen, .skip')) continue;
	const b = ground(e), f = over(rgba(s.color), b), [x, y] = [light(f), light(b)].sort((p, q) => q - p), ratio = (x + 0.05) / (y + 0.05), size = parseFloat(s.fontSize);
	if (ratio < (size >= 24 || (size >= 18.66 && +s.fontWeight >= 700) ? 3 : 4.5)) say(`contrast ${ratio.toFixed(2)}`, e);
}
if (document.documentElement.scrollWidth > innerWidth) say(`wider than the window: ${document.documentElement.scrollWidth}`, document.body);
return bad;
})()"""

# All that the Tab key has to reach: of radio buttons only the chosen one of a group.
CONTROLS = r"""(() => { window.stops = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')].filter(e => !e.disabled &&
	e.checkVisibility() && e.getClientRects().length && (e.type !== 'radio' || e.checked) && !e.closest('dialog:not([open])')); window.reached = new Set(); return stops.length; })()"""

# The first streams of events break off, each a little later.
BREAK = r"""(() => { const real = window.fetch; window.cuts = 3; window.resumed = [];
window.fetch = async (url, options) => {
	const answer = await real(url, options);
	if (!/\/events$/.test(url)) return answer;
	resumed.push(new Headers(options.headers).get('Last-Event-ID'));
	if (cuts-- <= 0) return answer;
	let left = 9000;
	const reader = answer.body.getReader();
	return new Response(new ReadableStream({ async pull(to) {
		const { done, value } = await reader.read();
		if (done) return to.close();
		to.enqueue(value.slice(0, left));
		left -= value.length;
		if (left <= 0) { await reader.cancel(); to.error(new TypeError('cut')); }
	} }), { status: answer.status, headers: answer.headers });
}; })()"""

test_number = 0


def ok(what, passed, said=""):
    global test_number
    test_number += 1
    print(f"{'ok' if passed else 'not ok'} {test_number} - {what}", flush=True)
    if not passed:
        print("# " + str(said).replace("\n", "\n# ")[:3000], flush=True)
    return passed


def http_client(base):
    return http.client.HTTPConnection(base.split("//")[1], timeout=60)


class Check:
    def __init__(self, base, runs):
        self.base, self.runs = base, runs

    def view(self, route, ready):
        self.b.open(f"{self.base}/{route}")
        self.b.wait(f"document.readyState === 'complete' && location.hash === {json.dumps(route)} && ({ready})", f"{route}: {ready}")

    def text(self, selector="main"):
        return self.b.value(f"(document.querySelector({json.dumps(selector)}) || {{innerText: ''}}).innerText")

    def audit(self, what):
        for scheme in ("light", "dark"):
            self.b.look(1280, 900, scheme)
            said = self.b.value(AUDIT)
            ok(f"{what}, {scheme}: names, headings, tables, contrast", not said, "\n".join(said))
        self.b.look(400, 800)
        said = self.b.value(AUDIT)
        ok(f"{what}, 400 px wide: the same, and nothing to scroll sideways", not said, "\n".join(said))
        self.b.look(1280, 900)

    def tab_through(self, what):
        n = self.b.value(CONTROLS)
        self.b.value("document.activeElement.blur(); document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); scrollTo(0, 0)")
        first, unseen = None, []
        for _ in range(n + 3):
            self.b.key("Tab")
            at = self.b.value("""(() => { const e = document.activeElement; reached.add(e); const s = getComputedStyle(e);
                return [e.className || e.tagName, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2, e.outerHTML.slice(0, 100)]; })()""")
            first = first or at[0]
            if at[0] != "BODY" and not at[1]:
                unseen.append(at[2])
        missed = self.b.value("stops.filter(e => !reached.has(e)).map(e => e.outerHTML.slice(0, 120))")
        ok(f"{what}: the Tab key reaches all {n} controls", n > 3 and not missed, "\n".join(missed))
        ok(f"{what}: each shows its focus, the skip link comes first", not unseen and first == "skip", f"{first}\n" + "\n".join(unseen))

    def run_list(self):
        self.view("#/", f"document.querySelector('[data-run=\"{self.runs['partial']}\"]')")
        rows = self.b.value("[...document.querySelectorAll('table.runs tbody tr')].map(r => r.innerText)")
        partial = [r for r in rows if self.runs["partial"] in r]
        ok("the list shows a run with its verdict", len(partial) == 1 and "Partial" in partial[0] and "Verified" not in partial[0], rows)
        self.audit("list")
        self.tab_through("list")
        self.view("#/runs?verdict=partial", "document.querySelector('table.runs tbody tr')")
        words = self.b.value("[...document.querySelectorAll('table.runs .verdict')].map(e => e.innerText.trim())")
        ok("filtered by verdict", words and set(words) == {"Partial"}, words)
        self.view("#/runs?workflow=no-such-workflow", "document.querySelector('.empty').innerText")
        ok("a filter that fits nothing says so", "No run fits" in self.text(".empty"), self.text())

    def run_view(self):
        run = self.runs["partial"]
        self.view(f"#/runs/{run}", "document.querySelector('.banner .word')")
        ok("the verdict is the largest word", self.text(".banner .word") == "Partial" and self.b.value("parseFloat(getComputedStyle(document.querySelector('.banner .word')).fontSize)") >= 48)
        ok("and in the title", self.b.value("document.title").startswith("Partial: "), self.b.value("document.title"))
        rows = self.b.value("[...document.querySelectorAll('table.timeline tbody tr.not-run')].map(r => [r.innerText, r.querySelectorAll('svg').length])")
        ok("simulated steps look different and are never passed", len(rows) == 3 and all("simulated" in r[0] and "passed" not in r[0] and not r[1] for r in rows), rows)
        bars = self.b.value("[...document.querySelectorAll('table.timeline tbody tr:not(.not-run):not(.phase) rect.good')].map(r => [+r.getAttribute('x'), +r.getAttribute('width')])")
        ok("executed steps are bars, one behind the other", len(bars) == 4 and bars == sorted(bars) and all(w > 0 for _, w in bars), bars)
        ok("clean-up is certified", "Complete:" in self.text("#cleanup") and self.b.value("document.querySelectorAll('#cleanup tbody tr').length") >= 5, self.text("#cleanup"))
        ok("controls of the sandbox", self.b.value("document.querySelectorAll('#enforcement tbody tr').length") > 10 and "enforced" in self.text("#enforcement"))
        ok("the score, line by line", "score" in self.text("#policy .sum") and "=" in self.text("#policy .sum"), self.text("#policy"))
        caret = self.b.value("[...document.querySelectorAll('#findings .excerpt')].map(e => [e.innerText.split('\\n'), e.querySelector('mark').textContent])")
        ok("findings show their line, with a caret below", caret and all(lines[0].index(meant) == lines[1].index("^") for lines, meant in caret), caret)
        counted = any(r[:1] == ["memory"] and r[2] == "enforced" for r in self.b.value("[...document.querySelectorAll('#enforcement tbody tr')].map(r => [...r.cells].map(c => c.innerText.trim()))"))
        charts = self.b.value("[...document.querySelectorAll('#resources svg[role=img]')].filter(s => /highest .* in step/.test(s.getAttribute('aria-label'))).length")
        ok("charts have a text", charts >= 2 if counted else charts > 0 or "Nothing was measured" in self.text("#resources"), self.text("#resources"))
        links = self.b.value("[...document.querySelectorAll('#downloads a')].map(a => a.getAttribute('href'))")
        status = self.b.value(f"Promise.all({json.dumps(links)}.map(async l => [l, (await fetch(l)).status]))")
        ok("everything to download is there", len(status) >= 8 and all(s == 200 for _, s in status), status)
        self.b.value("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        time.sleep(0.3)
        self.audit("run")
        self.b.value("document.querySelectorAll('details').forEach(d => { d.open = false; })")
        self.tab_through("run")
        self.view(f"#/runs/{run}/step-main-2", "document.activeElement.closest('#step-main-2')")
        ok("a part has an address: opened, with the focus", self.b.value("document.getElementById('step-main-2').open") and "stdout" in self.text("#step-main-2"), self.text("#step-main-2"))

    def hostile(self):
        self.view(f"#/runs/{self.runs['hostile']}", "document.querySelector('.banner .word')")
        self.b.value("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        self.b.wait("document.querySelector('#step-main-1 pre')")
        said = self.b.value("document.body.textContent")
        ok("hostile texts are shown as they are", "<script>alert('h')</script>" in said and "<img src=x onerror=" in said and "</pre><script>" in said)
        made = self.b.value("[document.scripts.length, document.querySelectorAll('main script, main img, main iframe, main object, main b').length, document.title, window.pwned]")
        ok("and are nothing else", made[0] == 1 and made[1] == 0 and "pwned" not in made[2], made)
        ok("no character may turn text around or fake it", not any(c in said for c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\x1b\x07\x08") and "⟨U+202E⟩" in said)
        lines = self.b.value("document.querySelector('#step-main-1 pre').textContent.split('\\n').length")
        whole = self.b.value("fetch(document.querySelector('#step-main-1 .output a').href).then(r => r.text()).then(t => t.split('\\n').length)")
        ok("of 10,000 lines some hundred are in the page, the whole is a link away", 100 < lines < 600 and whole > 10000, (lines, whole))
        self.audit("hostile run")

    def start(self):
        self.view("#/new", "document.querySelector('form.start')")
        self.audit("new run")
        self.tab_through("new run")
        self.b.wait("document.getElementById('param-WORD')", "fields of the first package")
        self.b.value(f"(() => {{ document.getElementById('param-WORD').remove(); const s = document.getElementById('workflow'); s.value = {json.dumps(self.runs['workflow'])}; s.dispatchEvent(new Event('change', {{bubbles: true}})); }})()")
        self.b.wait("document.getElementById('param-WORD')", "a field for the parameter")
        self.b.value("document.getElementById('param-WORD').focus()")
        self.b.type("from the page")
        self.b.look(1280, 900, motion="reduce")
        self.b.key("Enter")
        self.b.wait("document.querySelector('.banner.live .word')", "the live view")
        ok("Enter starts it, the view is live", True)
        ok("without motion for who wants none", self.b.value("getComputedStyle(document.querySelector('.banner .mark')).animationName") == "none")
        self.b.wait("/tick 1/.test((document.querySelector('pre.live') || {}).textContent) && document.querySelector('.banner .word').innerText === 'Running'", "output while it runs")
        ok("output comes while it runs", True)
        ok("progress is said", self.b.wait("document.getElementById('status').textContent"))
        self.b.look(1280, 900)
        said = self.b.value(AUDIT)
        ok("live: names, headings, tables, contrast", not said, "\n".join(said))
        self.b.wait("/Verified|Failed/.test(document.querySelector('.banner .word').innerText)", "the end")
        ok("it ends as its result says", self.text(".banner .word") == "Verified", self.text(".banner"))
        ok("the parameter was used", "from the page" in self.text("#parameters"), self.text("#parameters"))
        first = self.b.value("location.hash")
        self.b.value("[...document.querySelectorAll('.banner a')].find(a => a.textContent === 'Run it again').focus()")
        self.b.key("Enter")
        self.b.wait("(document.getElementById('param-WORD') || {}).value === 'from the page'", "the parameters of the run before")
        self.b.value("document.getElementById('param-WORD').focus()")
        self.b.key("Enter")
        self.b.wait(f"/^#.runs.r-/.test(location.hash) && location.hash !== {json.dumps(first)} && /tick 1/.test((document.querySelector('pre.live') || {{}}).textContent)", "the run again")
        self.b.value("fetch('/v1' + location.hash.slice(1) + '/cancel', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'}).then(r => r.status)")
        self.b.wait("document.querySelector('.banner .word').innerText === 'Cancelled'", "its end")
        ok("run again with the same parameters", "from the page" in self.text("#parameters"), self.text())

    def cancel(self):
        run = self.b.value(f"""fetch('/v1/runs', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: JSON.stringify({{workflow_id: {json.dumps(self.runs['workflow'])},
            parameters: {{WORD: 'x', TICKS: '600'}}}})}}).then(r => r.json()).then(r => r.run_id)""")
        self.view("#/", f"document.querySelector('[data-run=\"{run}\"]')")
        ok("what runs is on top", self.b.value(f"document.querySelector('table.runs').contains(document.querySelector('[data-run=\"{run}\"]')) && !document.querySelector('[data-run=\"{run}\"] input')"))
        self.view(f"#/runs/{run}", "/tick 1/.test((document.querySelector('pre.live') || {}).textContent)")
        self.b.value("[...document.querySelectorAll('button')].find(b => b.textContent === 'Cancel the run').focus()")
        self.b.key("Enter")
        self.b.wait("document.querySelector('.banner .word').innerText === 'Cancelled'", "the end after cancel")
        ok("cancelled from the page, and clean", "Complete:" in self.text("#cleanup"), self.text("#cleanup"))

    def broken_stream(self):
        script = self.b.send("Page.addScriptToEvaluateOnNewDocument", source=BREAK)["identifier"]
        self.b.send("Page.reload")
        self.b.wait("document.readyState === 'complete' && window.resumed")
        run = self.b.value(f"""fetch('/v1/runs', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: JSON.stringify({{workflow_id: {json.dumps(self.runs['workflow'])},
            parameters: {{WORD: 'x', TICKS: '600'}}}})}}).then(r => r.json()).then(r => r.run_id)""")
        self.view(f"#/runs/{run}", "resumed.length >= 2 && /tick 8/.test((document.querySelector('pre.live') || {}).textContent)")
        lines = self.b.value("document.querySelector('pre.live').textContent.trim().split('\\n')")
        ok("a stream that breaks goes on where it was, nothing twice", lines == [f"tick {i + 1} of x" for i in range(len(lines))] and len(lines) >= 8, lines)
        ids = self.b.value("resumed")
        ok("by the id of the last event", ids[0] is None and all(i and i.isdigit() for i in ids[1:]), ids)
        self.b.value(f"fetch('/v1/runs/{run}/cancel', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: '{{}}'}}).then(r => r.status)")
        self.b.wait("document.querySelector('.banner .word').innerText === 'Cancelled'", "its end")
        self.b.send("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        self.b.send("Page.reload")
        self.b.wait("document.readyState === 'complete' && !window.resumed && document.querySelector('.banner .word')")

    def compare(self):
        a, b = self.runs["verified"], self.runs["partial"]
        self.view("#/", f"document.querySelector('input[value=\"{a}\"]')")
        for run in (a, b):
            self.b.value(f"document.querySelector('input[value=\"{run}\"]').focus()")
            self.b.key(" ")
        self.b.wait("document.querySelector('.compare a')", "the link to compare")
        self.b.value("document.querySelector('.compare a').click()")
        self.b.wait("document.querySelector('#findings')", "the comparison")
        ok("two runs compared", "differs" in self.text("main table") and "Verified" in self.text("main table") and "Partial" in self.text("main table"), self.text())
        ok("what came and went", "added" in self.text("#files") or "removed" in self.text("#files"), self.text("#files"))
        self.audit("comparison")
        self.tab_through("comparison")

    def statistics(self):
        self.view("#/stats", "document.querySelector('main table tbody tr')")
        ok("statistics by workflow", "release-gate" in self.text() and "%" in self.text(), self.text())
        self.audit("statistics")

    def many(self):
        """A thousand more runs, told of by somebody else."""
        http, path = http_client(self.base), f"/workflows/{self.runs['workflow']}/runs/notify"
        for i in range(1000):
            http.request("POST", path, json.dumps({"run_id": f"elsewhere-{i:04}", "status": "verified", "duration_ms": i}), {"Content-Type": "application/json"})
            answer = http.getresponse()
            answer.read()
            if answer.status != 200:
                ok("runs are told of", False, answer.status)
                return
        self.view("#/stats", "document.querySelector('main table')")
        self.view("#/", "document.querySelector('[data-run=elsewhere-0999]') && !document.querySelector('button.more').hidden")
        pages = 0
        while pages < 40 and not self.b.value("document.querySelector('button.more').hidden"):
            shown = self.b.value("document.querySelectorAll('[data-run]').length")
            self.b.value("document.querySelector('button.more').click()")
            self.b.wait(f"document.querySelectorAll('[data-run]').length > {shown}", "the next page")
            pages += 1
        rows = self.b.value("[...document.querySelectorAll('[data-run]')].map(r => r.dataset.run)")
        ok("a thousand runs, page by page, each once", pages >= 20 and len(rows) >= 1003 and len(set(rows)) == len(rows), (pages, len(rows)))
        ok("the focus goes to the first of the new rows", self.b.value("!!document.activeElement.closest('[data-run]')"))
        self.view("#/runs/elsewhere-0001", "document.querySelector('.banner .word')")
        ok("a run from elsewhere says that it is one", "elsewhere" in self.text(".note"), self.text())

    def errors(self):
        for route, word in (("#/runs/r-nosuchrunnosuchrunnosuchrun", "Not found"), ("#/nonsense", "Not found")):
            self.view(route, "document.querySelector('[role=alert].problem')")
            ok(f"{route}: {word}", self.text("h1") == word, self.text())
        self.b.complaints = [c for c in self.b.complaints if "404" not in c]

    def secured(self):
        base, self.base = self.base, self.runs["secured"]
        self.b.open(f"{self.base}/#/")
        self.b.wait("document.querySelector('dialog[open]')", "the question for a token")
        ok("without a token it asks for one, the focus is there", self.b.value("document.activeElement.id") == "token-field")
        said = self.b.value(AUDIT)
        ok("the question has names and contrast", not said, "\n".join(said))
        self.b.type("srt_wrong")
        self.b.key("Enter")
        self.b.wait("document.querySelector('dialog[open]') && document.getElementById('token-why').textContent", "the answer to a wrong token")
        self.b.value("document.getElementById('token-field').focus()")
        self.b.type(self.runs["token"])
        self.b.key("Enter")
        self.b.wait("!document.querySelector('dialog[open]') && document.querySelector('.empty, table.runs tbody tr')", "the list behind the token")
        ok("with one the list is there", "That did not work" not in self.text())
        run = self.b.value(f"""fetch('/v1/runs', {{method: 'POST', headers: {{'Content-Type': 'application/x-yaml', Authorization: `Bearer ${{sessionStorage.getItem('sandbox_runner.token')}}`}},
            body: {json.dumps(self.runs['package'])}}}).then(r => r.json()).then(r => r.run_id)""")
        self.view(f"#/runs/{run}", "/tick 1/.test((document.querySelector('pre.live') || {}).textContent)")
        ok("events are streamed with the token", self.text("h1") == "ticking-1.0.0", self.text("h1"))
        self.b.wait("document.querySelector('.banner .word').innerText === 'Verified'", "the end")
        ok("the token is in no address", not self.b.value("location.href + document.documentElement.outerHTML").count(self.runs["token"]))
        self.b.complaints = [c for c in self.b.complaints if "401" not in c]
        self.base = base

    def policy(self):
        ok("no error, no warning, no breach of the CSP until now", not self.b.complaints, "\n".join(self.b.complaints))
        self.view("#/", "document.querySelector('table.runs tbody tr')")
        broken = self.b.value("""new Promise(done => { document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective), {once: true});
            const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s); setTimeout(() => done('none'), 5000); })""")
        ok("the CSP lets no inline script run", broken == "script-src-elem" and not self.b.value("window.pwned"), broken)

    def all(self, folder):
        try:
            self.b = Browser(os.path.join(folder, "profile"), deadline=60)
        except Broken as e:
            print(f"chromium does not start here: {e}")
            sys.exit(77)
        try:
            self.b.look(1280, 900)
            for part in (self.run_list, self.run_view, self.hostile, self.start, self.cancel, self.broken_stream, self.compare, self.statistics, self.many, self.errors, self.secured, self.policy):
                began = time.monotonic()
                try:
                    part()
                except Broken as e:
                    ok(part.__name__, False, f"{e}\n{self.text()[:1500]}")
                print(f"# {part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
                if os.environ.get("PAGE_SHOTS"):
                    self.b.shot(os.path.join(os.environ["PAGE_SHOTS"], f"{part.__name__}.png"))
        finally:
            self.b.close()
        print(f"1..{test_number}")


if __name__ == "__main__":
    Check(sys.argv[1], json.loads(sys.argv[3])).all(sys.argv[2])
