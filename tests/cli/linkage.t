# SPDX-License-Identifier: Apache-2.0
# What is linked costs every start: only the libraries that every command needs may appear in the dynamic section; the others
# (archive, curl, …) are loaded by their owners at first use.
allowed='libc|libm|libjansson|libyaml-0|libpcre2-8|ld-linux-x86-64|ld-linux-aarch64'
runtimes='libasan|libubsan|libstdc\+\+|libgcc_s'	# of a sanitizer build
n=0
linked=$(readelf -d "$SANDBOX_RUNNER" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
[ -n "$linked" ] && echo "ok $((n += 1)) - the dynamic section can be read" || echo "not ok $((n += 1)) - the dynamic section can be read"
for l in $linked; do
	if printf '%s\n' "$l" | grep -qE "^($allowed|$runtimes)(-[0-9.]+)?\.so"; then
		echo "ok $((n += 1)) - $l"
	else
		echo "not ok $((n += 1)) - $l is linked: load it at first use (runner/base/library.h)"
	fi
done
if readelf -lW "$SANDBOX_RUNNER" | grep -q GNU_RELRO && readelf -d "$SANDBOX_RUNNER" | grep -q NOW && readelf -h "$SANDBOX_RUNNER" | grep -q DYN; then
	echo "ok $((n += 1)) - position independent, relro, bind now"
else
	echo "not ok $((n += 1)) - position independent, relro, bind now"
fi
# a C library before 2.36 (Ubuntu 22.04) refuses programs whose relocations are packed
if readelf -V "$SANDBOX_RUNNER" | grep -q GLIBC_ABI_DT_RELR; then
	echo "not ok $((n += 1)) - relocations as every C library reads them"
else
	echo "ok $((n += 1)) - relocations as every C library reads them"
fi
echo "1..$n"
