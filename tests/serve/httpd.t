#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The door as a whole: TLS, the unix socket, clients that are slow, rude or gone; what they cost, and what children would inherit.
. "$(dirname "$0")/lib.sh"
command -v openssl > /dev/null || { echo 'openssl is not installed'; exit 77; }
pem=$work/pem; mkdir -p "$pem"; socket=$work/s
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$pem/key" -out "$pem/cert" -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 2> /dev/null || { echo 'openssl cannot make a certificate'; exit 77; }
openssl ecparam -name prime256v1 -genkey -noout -out "$pem/other" 2> /dev/null
cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$SERVE_PID/stat"; }
until_gone() {	# HOW MANY: the service has no more descriptors than that
	for _ in $(seq 200); do [ "$(ls "/proc/$SERVE_PID/fd" | wc -l)" -le "$1" ] && return 0; sleep 0.1; done
	return 1
}

# ---- TLS
timeout 20 "$SANDBOX_RUNNER" serve --listen=127.0.0.1:0 --data-dir="$work/bad" --state-dir="$work/bad" --config=none --tls-cert="$pem/cert" --tls-key="$pem/other" > "$out" 2> "$err" < /dev/null; rc=$?
ok 'a key of another certificate' test "$rc" != 0
err_has 'certificate and key' 'it says so'
serve_start --tls-cert="$pem/cert" --tls-key="$pem/key" || { finish; exit; }
http GET /healthz --cacert "$pem/cert"; ok 'TLS' test "$STATUS" = 200
ok 'it calls itself https' test "${BASE%%:*}" = https
http GET /healthz --cacert "$pem/cert" --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0; ok 'not in an old version' test "$STATUS" = 000
head -c 3000000 /dev/zero > "$work/big"
http POST /v1/exec --cacert "$pem/cert" -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary "@$work/big"
ok 'too much in chunks through TLS: heard' test "$STATUS" = 413
ok 'as a problem' test "$(body .code)" = body_too_large
port=${BASE##*:}
exec 7<> "/dev/tcp/127.0.0.1/$port"; printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' >&7
timeout 30 cat <&7 > "$work/plain"; ok 'no TLS: it ends, and no answer leaks out' sh -c "! grep -q HTTP '$work/plain'"
exec 7>&-
serve_stop; rc=$?; status 0 'it ends'

# ---- without TLS, and over the unix socket
serve_start --listen="unix:$socket" || { finish; exit; }
port=${BASE##*:}
HTTP_TIMEOUT=10
timeout 10 curl -sk "https://127.0.0.1:$port/healthz" > /dev/null; rc=$?
ok 'TLS to a plain port ends at once' test "$rc" != 0 -a "$rc" != 124
ok 'the unix socket' test "$(timeout 10 curl -s --unix-socket "$socket" -o /dev/null -w '%{http_code}' http://localhost/healthz)" = 200
ok 'knows who asks' grep -q "\"who\":\"uid:$(id -u)\",\"address\":\"unix\"" "$SERVE_LOG"
ok 'it is for user and group' test "$(stat -c %a "$socket")" = 660
for size in Content-Length:3000000 Transfer-Encoding:chunked; do
	http POST /v1/exec -H 'Content-Type: application/json' -H "${size%%:*}: ${size#*:}" -H Expect: --data-binary "@$work/big"
	ok "too much, ${size%%:*}: heard" test "$STATUS" = 413
done
timeout 20 curl -sv -H 'Expect: 100-continue' -H 'Content-Type: application/json' --data-binary "@$work/big" "$BASE/v1/exec" > "$out" 2> "$err"
ok 'nobody is asked to send what is refused' sh -c "! grep -q '100 Continue' '$err' && grep -q '413 ' '$err'"
http GET "/$(head -c 40000 /dev/zero | tr '\0' a)"; ok 'a long target' test "$STATUS" = 414
http GET / -H "X: $(head -c 40000 /dev/zero | tr '\0' a)"; ok 'a large header' test "$STATUS" = 431
http GET /healthz -H "X: $(printf 'a\rb')"; ok 'half a line end in a header' test "$STATUS" = 400
http GET /healthz --http1.0; ok 'HTTP/1.0' test "$STATUS" = 200
exec 7<> "/dev/tcp/127.0.0.1/$port"
printf 'POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n' >&7
timeout 30 cat <&7 > "$work/answers"; exec 7>&-
ok 'two lengths are one answer' sh -c "test \$(grep -c '^HTTP/1.1 ' '$work/answers') = 1 && grep -q '^HTTP/1.1 400 ' '$work/answers'"

# ---- what children would inherit, what the idle cost
before=$(ls "/proc/$SERVE_PID/fd" | wc -l)
fds=()
for i in $(seq 60); do
	exec {fd}<> "/dev/tcp/127.0.0.1/$port"; fds+=("$fd")
	case $((i % 3)) in
	0) printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' >&"$fd" ;;
	1) printf 'GET /healthz HTTP/1.1\r\nHo' >&"$fd" ;;
	esac
done
http GET /healthz
inherited=
for f in "/proc/$SERVE_PID/fdinfo"/*; do
	fd=${f##*/}
	[ "$fd" -gt 2 ] && [ "$(readlink "/proc/$SERVE_PID/fd/$fd")" != "$(readlink "/proc/$$/fd/$fd")" ] || continue	# what it was given itself
	flags=$(sed -n 's/^flags:[[:space:]]*//p' "$f" 2> /dev/null)
	[ -z "$flags" ] || [ $((flags & 02000000)) != 0 ] || inherited="$inherited $fd:$(readlink "/proc/$SERVE_PID/fd/$fd")"
done
ok "no descriptor would be inherited${inherited:+ ($inherited)}" test -z "$inherited"
ticks=$(cpu_ticks); sleep 3; ticks=$(($(cpu_ticks) - ticks))
ok "60 connections that do nothing cost nothing ($ticks ticks in 3 s)" test "$ticks" -lt 30
for fd in "${fds[@]}"; do exec {fd}>&-; done
ok 'and leave nothing behind' until_gone $((before + 5))
finish
