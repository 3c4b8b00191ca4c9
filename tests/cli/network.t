#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --allow-host: allowed names and addresses are reached through a process of ours, within the bandwidth; nothing else is, whatever a name
# resolves to. Runs in a network and mount namespace of its own, where a made-up internet has addresses of documentation ranges.
if [ -z "${NETWORK_T_INSIDE:-}" ] && [ "$(id -u)" = 0 ] && unshare -nm true 2> /dev/null; then
	NETWORK_T_INSIDE=1 exec unshare -nm "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
# the scanner takes /dev/tcp for what it mostly is
run_net() { run --wpk=net.wpk.yaml --override="it is a test" "$@"; }
package() { printf '%s\n' 'apiVersion: v1' 'kind: WorkflowPackage' "metadata: {name: net, version: '1.0.0', description: d, author: a}" \
	'spec:' '  runtime: {type: shell}' '  safety: {mode: auto}' '  handlers:' '    - name: try' '      type: shell' \
	'      config:' '        command: |' "$(sed 's/^/          /')" > net.wpk.yaml; }

# what the command line says
package <<< 'true'
while IFS='|' read -r value says; do
	run --wpk=net.wpk.yaml --allow-host="$value"; status 2 "--allow-host=$value"
	err_has "$says" "--allow-host=$value says: $says"
done << 'EOF'
127.0.0.1|it is a loopback address
[::1]:80|it is a loopback address
0.0.0.0|it is an address of this host
169.254.169.254:80|where metadata services are
[fd00:ec2::254]:80|metadata service
10.1.2.3|it is a private address
[::ffff:10.1.2.3]:443|it is a private address
[64:ff9b::a01:203]:443|it is a private address
[2002:7f00:1::]:443|it is a loopback address
224.0.0.1|it is a multicast
a b|is no host name
*.|is no host name
*|is no host name
example..org|is no host name
example.org:0|is no port
example.org:65536|is no port
example.org:80,|is no port
example.org:http|is no port
[2001:db8::1]x|is not [ADDRESS]:PORT
EOF
run --wpk=net.wpk.yaml --allow-host=example.org --profile=restrictive; status 2 "no network in profile restrictive"
run --wpk=net.wpk.yaml --bandwidth=1bps --allow-host=example.org; status 2 "a bandwidth that carries nothing"
run --wpk=net.wpk.yaml --allow-host="$(printf 'h%d.example.org:1,' {1..2} | sed 's/,$//')"; status 2 "a list of hosts is many options"

if [ -z "${NETWORK_T_INSIDE:-}" ]; then
	skip "an internet of our own" "needs root and network namespaces"
	finish; exit
fi
ip link set lo up
for a in 203.0.113.10 203.0.113.11 10.9.9.9 169.254.169.254 2001:db8:1::10; do ip addr add "$a" dev lo; done
cat > hosts << 'EOF'
127.0.0.1 localhost loop.test
203.0.113.10 good.test a.wild.test b.c.wild.test wild.test
203.0.113.11 other.test
10.9.9.9 private.test
169.254.169.254 metadata.test
203.0.113.10 both.test
127.0.0.1 both.test
203.0.113.77 nobody.test
EOF
mount --bind hosts /etc/hosts
cat > server.py << 'EOF'
import socket, sys, threading
six = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(64)
def serve(c):
    data = b""
    while b"\n" not in data:
        d = c.recv(65536)
        if not d: return
        data += d
    word = data.split()[0]
    if word == b"big": c.sendall(b"x" * 2000000)
    elif word == b"count":
        n = len(data)
        while True:
            d = c.recv(65536)
            if not d: break
            n += len(d)
        c.sendall(b"%d\n" % n)
    else: c.sendall(b"hello from " + sys.argv[1].encode() + b"\n")
    c.close()
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
EOF
servers=
for at in "203.0.113.10 80" "203.0.113.10 81" "203.0.113.11 80" "10.9.9.9 80" "169.254.169.254 80" "127.0.0.1 80" "2001:db8:1::10 80"; do
	python3 server.py $at & servers="$servers $!"
done
end_all() { kill $servers 2> /dev/null; wait $servers 2> /dev/null; umount /etc/hosts; remove_work; }
trap end_all EXIT
for i in $(seq 1 100); do (exec 3<> /dev/tcp/127.0.0.1/80) 2> /dev/null && (exec 3<> /dev/tcp/10.9.9.9/80) 2> /dev/null && break; sleep 0.05; done

# asked HOST PORT: what a step hears from there
asked() {
	local host=$1 port=$2; shift 2
	package <<< "#!bash
exec 3<> /dev/tcp/$host/$port && echo hi >&3 && cat <&3"
	run_net "$@" --exit-zero --format=json
}
heard() { json "'$1' in d['steps'][0]['stdout']['text']" "$2"; }
silent() { json "'hello' not in d['steps'][0]['stdout']['text'] and d['steps'][0]['status'] == 'failed'" "$1"; }
saw() { json "any($1 for t in d['steps'][0]['observation']['network'])" "$2"; }

asked good.test 80 --allow-host=good.test:80; heard "hello from 203.0.113.10" "an allowed name is reached"
saw "t['kind'] == 'forward' and t['subject'] == 'good.test:80' and t['allowed'] and t['detail'] == '203.0.113.10'" "and that is told, with the address"
saw "t['kind'] == 'dns' and t['subject'] == 'good.test' and t['allowed']" "the name asked for is told"
json "[c for c in d['enforcement'] if c['control'] == 'network'][0]['state'] == 'enforced' and [c for c in d['enforcement'] if c['control'] == 'bandwidth'][0]['requested'] == '100Mbps'" "network and bandwidth are enforced"
json "d['cleanup']['complete'] and any('forwarder' in i['name'] for i in d['cleanup']['items'])" "the forwarder is gone, which the certificate says"
left_nothing "an allowed name"
asked GOOD.test 80 --allow-host=good.TEST:80; heard "hello" "names have no case"
asked good.test 81 --allow-host=good.test:80; silent "another port is not reached"
asked good.test 81 --allow-host=good.test:80,81; heard "hello" "two ports of one host"
asked other.test 80 --allow-host=good.test:80; silent "another name is not reached"
saw "t['kind'] == 'dns' and t['subject'] == 'other.test' and not t['allowed']" "asking for it is told"
asked 203.0.113.11 80 --allow-host=good.test:80; silent "nor another address"
asked 203.0.113.10 80 --allow-host=good.test:80; silent "nor the address of an allowed name"
asked 203.0.113.10 80 --allow-host=203.0.113.10:80; heard "hello" "unless it is allowed itself"
asked 2001:db8:1::10 80 "--allow-host=[2001:db8:1::10]:80"; heard "hello from 2001" "an address of version 6"
asked a.wild.test 80 --allow-host='*.wild.test:80'; heard "hello" "a name below a wildcard"
asked b.c.wild.test 80 --allow-host='*.wild.test:80'; heard "hello" "any depth below it"
asked wild.test 80 --allow-host='*.wild.test:80'; silent "the domain itself is not below it"
asked evilwild.test 80 --allow-host='*.wild.test:80'; silent "nor one that ends alike"
asked nobody.test 80 --allow-host=nobody.test:80; silent "where nobody listens"
saw "t['kind'] == 'forward' and not t['allowed'] and t['errno']" "and that is told with its error"

# whatever a name resolves to
for name in loop metadata private; do
	asked $name.test 80 --allow-host=$name.test:80; silent "$name.test is allowed, its address is not"
	saw "t['kind'] == 'forward' and not t['allowed'] and t['severity'] == 'medium'" "$name.test: that is told"
done
asked private.test 80 --allow-host=private.test:80 --allow-private; heard "hello from 10.9.9.9" "--allow-private"
for name in loop metadata; do
	asked $name.test 80 --allow-host=$name.test:80 --allow-private; silent "$name.test not even with --allow-private"
done
asked both.test 80 --allow-host=both.test:80; heard "hello from 203.0.113.10" "of several addresses those that may be reached are tried"
asked 127.0.0.1 80 --allow-host=good.test:80; silent "the host's loopback is not the sandbox's"
asked 198.18.0.3 80 --allow-host='*.wild.test:80'; silent "a guessed address of a wildcard"

# what it looks like inside
package << 'EOF'
ls /sys/class/net 2> /dev/null; grep -c : /proc/net/dev; wc -l < /proc/net/route; cat /proc/net/ipv6_route | grep -cv ' lo$'
EOF
run_net --allow-host=good.test:80 --exit-zero --format=json
json "d['steps'][0]['stdout']['text'].split() == ['1', '1', '0']" "one interface, and no route that leads out"

# bandwidth, both ways
package <<< '#!bash
exec 3<> /dev/tcp/good.test/80 && echo big >&3 && cat <&3 | wc -c
(echo count; head -c 1000000 /dev/zero) > f; exec 4<> /dev/tcp/good.test/80; perl -e "use Socket; open(S, q(+<&=4)); open(F, q(f)); binmode F; while (read F, \$b, 65536) { print S \$b } select((select(S), \$|=1)[0]); shutdown(S, 1); print <S>"'
run_net --allow-host=good.test:80 --format=json
json "d['steps'][0]['stdout']['text'].split() == ['2000000', '1000006'] and d['steps'][0]['duration_seconds'] < 2" "3 MB at the usual bandwidth"
run_net --allow-host=good.test:80 --bandwidth=8Mbps --format=json
json "d['steps'][0]['stdout']['text'].split() == ['2000000', '1000006'] and 2.4 < d['steps'][0]['duration_seconds'] < 4.5" "3 MB take 3 s at 8Mbps"

# many at once, and more than are carried
package <<< '#!bash
for i in $(seq 1 90); do (exec 3<> /dev/tcp/good.test/80 && echo hi >&3 && cat <&3) & done; wait'
run_net --allow-host=good.test:80 --format=json
json "d['steps'][0]['stdout']['text'].count('hello') == 90" "90 connections at once"

# ends: the runner killed, the forwarder killed
package <<< 'echo started; sleep 60'
start --wpk=net.wpk.yaml --override=test --allow-host=good.test:80; until_out started
forwarder=$(pgrep -P "$pid" -x sandbox-network)
ok "there is a forwarder" test -n "$forwarder"
ok "it is nobody" test "$(awk '/^Uid:/ { print ($2 != 0 && $3 != 0 && $4 != 0) }' "/proc/$forwarder/status")" = 1
ok "without groups and capabilities" test "$(awk '/^Groups:/ { print NF } /^Cap(Prm|Eff|Amb):/ { print $2 }' "/proc/$forwarder/status" | sort -u | tr '\n' ' ')" = "0000000000000000 1 "
kill -9 "$pid"; wait "$pid" 2> /dev/null
for i in $(seq 1 100); do [ -d "/proc/$forwarder" ] || break; sleep 0.05; done
ok "it ends with a runner that is killed" test ! -d "/proc/$forwarder"
run gc; until_nothing_left "after that"
package <<< '#!bash
echo started; sleep 1; exec 3<> /dev/tcp/good.test/80 || echo no network any more'
start --wpk=net.wpk.yaml --override=test --allow-host=good.test:80; until_out started
kill -9 "$(pgrep -P "$pid" -x sandbox-network)"; wait "$pid"; rc=$?
out_has "no network any more" "without its forwarder a step has no network"; status 0 "and goes on"
left_nothing "after that, too"
finish
