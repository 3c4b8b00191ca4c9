#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# secrets: a scan tells where a secret stands and never what it is, in no form, and run and plan do not either.
. "$(dirname "$0")/lib.sh"
wpk leaky - <<'END'
    - name: token
      type: shell
      config:
        command: |
          export TOKEN=ghp_FAKEfakeFAKEfakeFAKEfakeFAKEfake0001
          curl -u "admin:geheim-4711" http://10.0.0.9/ && mysql -pgeheim-4712 -e 'select 1'
          echo "again: ghp_FAKEfakeFAKEfakeFAKEfakeFAKEfake0001"
    - name: ping
      type: api
      config: {url: "http://admin:geheim-4713@hooks.example.org/x", method: POST, headers: {Authorization: "Bearer geheim-4714-geheim-4714"}}
END
for format in text json sarif junit github gitlab markdown; do
	run scan --format=$format --show=info leaky.wpk.yaml; status 1 "$format"
	out_has "leaky" "$format: the place is told"
	for secret in fakeFAKEfake geheim-4711 geheim-4712 geheim-4713 geheim-4714; do out_lacks $secret "$format: $secret is not"; done
done
run scan leaky.wpk.yaml
out_matches '^ +[0-9]+ \| +export TOKEN=\*+$' "text: stars in its place, what stands around is left"
run scan --format=json leaky.wpk.yaml
json 'len([f for f in d["findings"] if f["rule_id"] == "secret/source-host-token"]) == 2' "a secret that several rules know is told once at each place"
run --wpk=leaky.wpk.yaml
for secret in fakeFAKEfake geheim-471; do err_lacks $secret "run: $secret"; out_lacks $secret "run: $secret in the result"; done
run plan --format=json leaky.wpk.yaml
json '"geheim" not in str(d["plans"][0]["findings"]) + str(d["plans"][0]["decision"])' "plan: findings and decision"
finish
