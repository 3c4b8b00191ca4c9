#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --writable-root: a package that changes the system is previewed; nothing of it is left, and root inside is nobody outside.
. "$(dirname "$0")/lib.sh"
wpk change - <<'YAML'
    - {name: edit, type: shell, config: {command: "id -un; echo '192.0.2.7 db' >> /etc/hosts; rm /usr/bin/yes; echo '#!/bin/sh' > /usr/local/bin/tool; chmod 755 /usr/local/bin/tool; chown nobody /usr/local/bin/tool"}}
    - {name: again, type: shell, config: {command: "sed -i 's/ db/ database/' /etc/hosts; mv /usr/local/bin/tool /usr/local/sbin; cp /usr/bin/true /usr/bin/yes"}}
YAML
run --wpk=change.wpk.yaml --writable-root --override=test
if [ $rc = 5 ]; then
	err_matches "writable root" "it says why there is none"; left_nothing "no writable root"
	echo "# $(tail -n 1 "$err")"; finish; exit
fi
run --wpk=change.wpk.yaml --writable-root --override=test --diff; status 0 "a writable root"
out_has "| root" "steps are root"
out_has "files: system: 1 deleted, 1 changed, 1 created" "what the first step did"
out_has "- /usr/bin/yes" "a deletion"; out_has "+192.0.2.7 db" "a diff against the original"; out_has "+192.0.2.7 database" "and against the step before"
out_has "+ /usr/local/sbin/tool" "a file where the host's would be"
ok "the host has none of it" test ! -e /usr/local/sbin/tool -a -e /usr/bin/yes
run --wpk=change.wpk.yaml --writable-root --override=test --format=json
json "{(c['change'], c['path']) for c in d['files']['changes']} == {('changed', '/etc/hosts'), ('changed', '/usr/bin/yes'), ('created', '/usr/local/sbin/tool')}" "the run as a whole"
json "[c['state'] for c in d['enforcement'] if c['control'] in ('read_only_root', 'non_root', 'capabilities', 'seccomp', 'no_new_privs')] == ['enforced'] * 5" "the table"
run --wpk=change.wpk.yaml --override=test; status 1 "without it steps change nothing"; out_lacks "system:" "and nothing is told of it"

# what an installation does
if command -v dpkg-deb > /dev/null && command -v dpkg > /dev/null; then
	mkdir -p pkg/DEBIAN pkg/usr/bin pkg/etc debs
	printf 'Package: preview\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: t\n' > pkg/DEBIAN/control
	printf '#!/bin/sh\nset -e\nuseradd --system preview\nmkdir -p /var/lib/preview\nchown preview: /var/lib/preview\n' > pkg/DEBIAN/postinst
	printf '#!/bin/sh\necho previewed\n' > pkg/usr/bin/preview; echo conf > pkg/etc/preview.conf; echo /etc/preview.conf > pkg/DEBIAN/conffiles
	chmod 755 pkg/DEBIAN/postinst pkg/usr/bin/preview
	dpkg-deb --root-owner-group -b pkg debs/preview.deb > /dev/null
	wpk install - <<-'YAML'
	    - {name: install, type: shell, config: {command: "dpkg -i preview.deb && preview"}}
	    - {name: remove, type: shell, config: {command: "dpkg -r preview"}}
	YAML
	run --wpk=install.wpk.yaml --files=debs --writable-root --override=test --format=json; status 0 "a package is installed and removed"
	json "'previewed' in d['steps'][0]['stdout']['text']" "and works in between"
	json "{'/usr/bin/preview', '/etc/preview.conf', '/var/lib/preview', '/etc/passwd', '/var/lib/dpkg/status'} <= {c['path'] for c in d['steps'][0]['files']['changes']}" "its files, its user, the list of packages"
	json "'/usr/bin/preview' in {c['path'] for c in d['steps'][1]['files']['changes'] if c['change'] == 'deleted'}" "removing it"
	ok "the host does not know it" sh -c '! dpkg -s preview'
fi

# the walls that stay; the three that open do so by definition
probe=$repo/${BUILD:-build/gcc}/escape/probe
if [ -x "$probe" ]; then
	cp "$probe" probe
	wpk probe - <<< '    - {name: probe, type: shell, config: {command: "./probe"}}'
	run --wpk=probe.wpk.yaml --files=probe --writable-root --override=test --format=json
	python3 - "$out" <<-'PY' > allowed
		import json, sys
		s = json.load(open(sys.argv[1]))["steps"][0]
		text = s["stdout"]["text"] + (s["stdout"]["tail"] or "")
		lines = [l for l in text.splitlines() if l.startswith("PROBE ")]
		assert len(lines) > 30
		print(" ".join(sorted(l.split()[1] for l in lines if l.split()[2] == "ALLOWED")))
	PY
	echo "# $(cat allowed)"
	ok "what opens is what is meant to open" python3 -c 'import sys; sys.exit(not set(open("allowed").read().split()) <= {"root-readonly", "system-dirs", "capabilities"})'
fi
left_nothing "writable root"
finish
