/* SPDX-License-Identifier: Apache-2.0
 * Programs that take their words as another one does, as far as files go. */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

struct alias {			/* without an address, so that nothing is relocated when the program starts */
	char name[28], row[24];
};

/* clang-format off */
/* In the order of strcmp(3). */
static const struct alias aliases[] = {
	{ ".", "source" }, { "7z e", "7z x" }, { "7z u", "7z a" }, { "7za", "7z" }, { "7zr", "7z" }, { "7zz", "7z" },
	{ "Rscript", "tclsh" }, { "ack", "rg" }, { "ack-grep", "rg" }, { "aescrypt", "ccrypt" },
	{ "aespipe", "ccrypt" }, { "ag", "rg" }, { "agrep", "grep" }, { "antiword", "cat" }, { "aria2", "aria2c" },
	{ "as", "gcc" }, { "ash", "sh" }, { "attr", "setfattr" }, { "aureport", "ausearch" }, { "autossh", "ssh" },
	{ "b2sum", "cat" }, { "b3sum", "cat" }, { "base16", "base64" }, { "base32", "base64" },
	{ "basenc", "base64" }, { "bash", "sh" }, { "batcat", "bat" }, { "bcrypt", "ccrypt" }, { "bcwipe", "srm" },
	{ "bison", "protoc" }, { "black", "dos2unix" }, { "bmake", "make" }, { "borg", "restic" },
	{ "bridge", "ip" }, { "brotli", "gzip" }, { "bsdtar", "tar" }, { "btrfs device add", "btrfs device delete" },
	{ "btrfs device remove", "btrfs device delete" }, { "bun", "node" }, { "bunzip2", "gzip" },
	{ "bzcat", "cat" }, { "bzgrep", "grep" }, { "bzip2", "gzip" }, { "bzless", "cat" }, { "c++", "gcc" },
	{ "catdoc", "cat" }, { "cc", "gcc" }, { "cc1", "gcc" }, { "ccdecrypt", "ccrypt" }, { "ccencrypt", "ccrypt" },
	{ "ccze", "cat" }, { "cfdisk", "fdisk" }, { "cgdisk", "fdisk" }, { "chgrp", "chown" }, { "cksum", "cat" },
	{ "clang", "gcc" }, { "clang++", "gcc" }, { "col", "cat" }, { "colordiff", "diff" }, { "comm", "cat" },
	{ "compress", "gzip" }, { "cpp", "m4" }, { "crystal", "tclsh" }, { "csh", "sh" }, { "csi", "tclsh" },
	{ "curlie", "curl" }, { "d8", "node" }, { "dash", "sh" }, { "dc3dd", "dd" }, { "dcfldd", "dd" },
	{ "dd_rescue", "ddrescue" }, { "ddpt", "dd" }, { "del", "srm" }, { "del-cli", "rimraf" },
	{ "detect-secrets", "trufflehog" }, { "diff3", "diff" }, { "dmsetup remove_all", "dmsetup remove" },
	{ "dmsetup wipe_table", "dmsetup remove" }, { "docker container cp", "docker cp" },
	{ "docker container create", "docker run" }, { "docker container export", "docker export" },
	{ "docker container run", "docker run" }, { "docker create", "docker run" }, { "docker exec", "docker run" },
	{ "docker image build", "docker buildx build" }, { "docker image import", "docker import" },
	{ "docker image load", "docker load" }, { "docker image save", "docker save" }, { "dosfsck", "tune2fs" },
	{ "dotnet", "wasmtime" }, { "dumpcap", "tcpdump" }, { "duplicity", "restic" }, { "e2fsck", "tune2fs" },
	{ "editor", "ed" }, { "egrep", "grep" }, { "elinks", "lynx" }, { "elixir", "tclsh" }, { "elvis", "ed" },
	{ "emacs", "ed" }, { "escript", "tclsh" }, { "ex", "ed" }, { "exiftool", "cat" }, { "expect", "tclsh" },
	{ "extlinux", "grub-install" }, { "ffprobe", "arecord" }, { "fgrep", "grep" }, { "fish", "sh" },
	{ "flash_eraseall", "flash_erase" }, { "flex", "protoc" }, { "fmt", "fold" }, { "fsck", "tune2fs" },
	{ "fusermount", "umount" }, { "fusermount3", "umount" }, { "fwupdmgr", "fwupdtool" }, { "g++", "gcc" },
	{ "gawk", "awk" }, { "gchmod", "chmod" }, { "gchown", "chown" }, { "gcp", "cp" }, { "gdebi", "alien" },
	{ "gdisk", "fdisk" }, { "gforth", "tclsh" }, { "gfortran", "gcc" }, { "ggrep", "grep" },
	{ "ginstall", "install" }, { "gio remove", "gio trash" }, { "gio rename", "gio move" },
	{ "git am", "git apply" }, { "git stage", "git add" }, { "gitleaks", "trufflehog" }, { "gjs", "tclsh" },
	{ "gln", "ln" }, { "glow", "cat" }, { "gmake", "make" }, { "gmv", "mv" }, { "gnome-screenshot", "import" },
	{ "goawk", "awk" }, { "gojq", "jq" }, { "gpg1", "gpg" }, { "gpg2", "gpg" }, { "gpgsm", "gpg" },
	{ "gpgv", "gpg" }, { "gptcli", "sgdisk" }, { "grim", "import" }, { "grm", "rm" }, { "groovy", "tclsh" },
	{ "gsed", "sed" }, { "gtar", "tar" }, { "guile", "tclsh" }, { "gunzip", "gzip" }, { "gvfs-copy", "ditto" },
	{ "gzcat", "cat" }, { "hashcat", "john" }, { "hd", "hexdump" }, { "heirloom-mailx", "mail" },
	{ "helix", "ed" }, { "highlight", "cat" }, { "httpie", "http" }, { "https", "http" }, { "hx", "ed" },
	{ "hxselect", "xmllint" }, { "identify", "cat" }, { "inotifywatch", "inotifywait" },
	{ "ip6tables-restore", "iptables-restore" }, { "ipython", "python" }, { "isort", "dos2unix" },
	{ "jaq", "jq" }, { "jed", "ed" }, { "joe", "ed" }, { "jpegoptim", "dos2unix" }, { "julia", "tclsh" },
	{ "jython", "python" }, { "kak", "ed" }, { "kmod-insmod", "insmod" }, { "ksh", "sh" },
	{ "kubectl annotate", "kubectl apply" }, { "kubectl autoscale", "kubectl apply" },
	{ "kubectl create", "kubectl apply" }, { "kubectl delete", "kubectl apply" },
	{ "kubectl describe", "kubectl apply" }, { "kubectl diff", "kubectl apply" },
	{ "kubectl edit", "kubectl apply" }, { "kubectl expose", "kubectl apply" },
	{ "kubectl get", "kubectl apply" }, { "kubectl label", "kubectl apply" },
	{ "kubectl patch", "kubectl apply" }, { "kubectl replace", "kubectl apply" },
	{ "kubectl rollout", "kubectl apply" }, { "kubectl run", "kubectl apply" },
	{ "kubectl scale", "kubectl apply" }, { "kubectl set", "kubectl apply" },
	{ "kubectl wait", "kubectl apply" }, { "lastb", "last" }, { "lbzip2", "gzip" }, { "lchmod", "chmod" },
	{ "lchown", "chown" }, { "ld", "gcc" }, { "ld-linux", "wasmtime" }, { "ld-linux-aarch64", "wasmtime" },
	{ "ld-linux-x86-64", "wasmtime" }, { "ld-musl-x86_64", "wasmtime" }, { "ld.so", "wasmtime" },
	{ "ldapadd", "ldapsearch" }, { "ldapdelete", "ldapsearch" }, { "ldapmodify", "ldapsearch" },
	{ "ldconfig", "update-ca-certificates" }, { "ldd", "cat" }, { "less", "head" }, { "lex", "protoc" },
	{ "lilo", "grub-install" }, { "links", "lynx" }, { "links2", "lynx" }, { "lolcat", "cat" },
	{ "look", "cat" }, { "lsar", "unzip" }, { "ltrace", "strace" }, { "luajit", "lua" },
	{ "lvreduce", "lvremove" }, { "lvresize", "lvremove" }, { "lz4", "zstd" }, { "lz4cat", "cat" },
	{ "lzcat", "cat" }, { "lzip", "gzip" }, { "lzma", "gzip" }, { "lzop", "gzip" }, { "mac2unix", "dos2unix" },
	{ "magick", "convert" }, { "mailx", "mail" }, { "maim", "import" }, { "make-bcache", "bcache-super-show" },
	{ "mariadb", "mysql" }, { "mariadb-dump", "mysql" }, { "mawk", "awk" }, { "mbuffer", "buffer" },
	{ "mcedit", "ed" }, { "mcrypt", "ccrypt" }, { "md5", "cat" }, { "md5sum", "cat" }, { "mdig", "dig" },
	{ "meld", "diff" }, { "mg", "ed" }, { "micro", "ed" }, { "micropython", "python" }, { "mkdosfs", "mkfs" },
	{ "mke2fs", "mkfs" }, { "mkexfatfs", "mkfs" }, { "mkisofs", "genisoimage" }, { "mkntfs", "mkfs" },
	{ "mkreiserfs", "mkfs" }, { "mksh", "sh" }, { "mkudffs", "mkfs" }, { "modprobe", "insmod" },
	{ "mongoexport", "mongodump" }, { "mongoimport", "mongorestore" }, { "mono", "wasmtime" },
	{ "more", "head" }, { "mosh", "ssh" }, { "most", "cat" }, { "mpack", "mail" },
	{ "mtd_debug", "flash_erase" }, { "multitail", "cat" }, { "mutt", "mail" }, { "mysqladmin", "mysql" },
	{ "mysqldump", "mysql" }, { "nandwrite", "flash_erase" }, { "nano", "ed" }, { "nawk", "awk" },
	{ "ncat", "nc" }, { "ne", "ed" }, { "nerdctl", "docker" }, { "netcat", "nc" }, { "newfs", "mkfs" },
	{ "nim", "tclsh" }, { "nm", "cat" }, { "nodejs", "node" }, { "nroff", "groff" }, { "ntfsresize", "tune2fs" },
	{ "nvi", "ed" }, { "nvim", "ed" }, { "nvme delete-ns", "nvme format" }, { "nvme fw-commit", "nvme format" },
	{ "nvme fw-download", "nvme format" }, { "nvme reset", "nvme format" }, { "nvme sanitize", "nvme format" },
	{ "nvme write", "nvme format" }, { "nvme write-uncor", "nvme format" },
	{ "nvme write-zeroes", "nvme format" }, { "nwipe", "shred" }, { "objdump", "cat" }, { "oc", "kubectl" },
	{ "octave", "tclsh" }, { "optipng", "dos2unix" }, { "original-awk", "awk" }, { "osascript", "tclsh" },
	{ "parecord", "arecord" }, { "pbzip2", "gzip" }, { "pcp", "cp" }, { "pcre2grep", "grep" },
	{ "pcregrep", "grep" }, { "pdftotext", "cat" }, { "perl-rename", "rename" }, { "pg", "cat" },
	{ "pg_basebackup", "pg_dump" }, { "pg_dumpall", "pg_dump" }, { "pg_restore", "psql" }, { "php-cgi", "php" },
	{ "pico", "ed" }, { "pigz", "gzip" }, { "pip3", "pip" }, { "podman", "docker" },
	{ "podman-compose", "docker-compose" }, { "premove", "rimraf" }, { "prename", "rename" }, { "pscp", "scp" },
	{ "pt", "rg" }, { "pwconv", "pwunconv" }, { "pwsh", "sh" }, { "pygmentize", "cat" }, { "pypy", "python" },
	{ "pzstd", "zstd" }, { "qemu-aarch64", "wasmtime" }, { "qemu-aarch64-static", "wasmtime" },
	{ "qemu-arm", "wasmtime" }, { "qemu-x86_64", "wasmtime" }, { "qemu-x86_64-static", "wasmtime" },
	{ "qjs", "node" }, { "racket", "tclsh" }, { "rage", "age" }, { "ranlib", "dos2unix" }, { "rar", "7z" },
	{ "rbash", "sh" }, { "readelf", "cat" }, { "red", "ed" }, { "reiserfstune", "tune2fs" },
	{ "resize2fs", "tune2fs" }, { "rev", "cat" }, { "rip", "srm" }, { "ripgrep", "rg" }, { "rmtrash", "srm" },
	{ "robocopy", "ditto" }, { "run-parts", "wasmtime" }, { "runghc", "tclsh" }, { "runhaskell", "tclsh" },
	{ "rvim", "ed" }, { "s-nail", "mail" }, { "scala", "tclsh" }, { "scrot", "import" }, { "scrub", "shred" },
	{ "sdiff", "diff" }, { "secure-delete", "srm" }, { "sendemail", "mail" }, { "sendmail", "msmtp" },
	{ "sensible-editor", "ed" }, { "sfill", "srm" }, { "sg_dd", "dd" }, { "sg_sanitize", "sg_format" },
	{ "sg_unmap", "sg_format" }, { "sg_write_same", "sg_format" }, { "sha1sum", "cat" }, { "sha224sum", "cat" },
	{ "sha256sum", "cat" }, { "sha384sum", "cat" }, { "sha512sum", "cat" }, { "shasum", "cat" },
	{ "sift", "rg" }, { "slogin", "ssh" }, { "soelim", "groff" }, { "sqlite", "sqlite3" }, { "ssed", "sed" },
	{ "ssh-add", "cat" }, { "star", "tar" }, { "strip", "dos2unix" }, { "sudoedit", "ed" }, { "sum", "cat" },
	{ "swaks", "mail" }, { "swipl", "tclsh" }, { "switch_root", "pivot_root" }, { "syslinux", "grub-install" },
	{ "systemctl link", "systemctl enable" }, { "systemctl preset", "systemctl enable" },
	{ "systemctl reenable", "systemctl enable" }, { "systemctl restart", "systemctl enable" },
	{ "systemctl start", "systemctl enable" }, { "tac", "cat" }, { "tail", "head" }, { "tailf", "cat" },
	{ "tc", "ip" }, { "tcc", "gcc" }, { "tcsh", "sh" }, { "terragrunt", "terraform" }, { "texlua", "lua" },
	{ "tidy", "xmllint" }, { "tmpwatch", "tmpreaper" }, { "tofu", "terraform" }, { "trash", "srm" },
	{ "trash-put", "srm" }, { "troff", "groff" }, { "ts-node", "node" }, { "tshark", "tcpdump" },
	{ "tsort", "cat" }, { "tsx", "node" }, { "ubiformat", "flash_erase" }, { "ugrep", "grep" }, { "ul", "cat" },
	{ "unar", "unzip" }, { "uncompress", "gzip" }, { "unexpand", "expand" }, { "unix2dos", "dos2unix" },
	{ "unlz4", "zstd" }, { "unlzma", "gzip" }, { "unpigz", "gzip" }, { "unrar", "7z" }, { "unshadow", "cat" },
	{ "unxz", "gzip" }, { "unzstd", "zstd" }, { "utmpdump", "cat" }, { "uuencode", "cat" },
	{ "vgcreate", "pvcreate" }, { "vgreduce", "vgremove" }, { "vi", "ed" }, { "view", "ed" }, { "vim", "ed" },
	{ "vimdiff", "diff" }, { "vis", "cat" }, { "w3m", "lynx" }, { "wasmer", "wasmtime" }, { "wc", "cat" },
	{ "wdiff", "diff" }, { "wget2", "wget" }, { "who", "last" }, { "windump", "tcpdump" },
	{ "wine", "wasmtime" }, { "wipe", "srm" }, { "wish", "tclsh" }, { "wormhole-william", "wormhole" },
	{ "xcopy", "ditto" }, { "xfs_growfs", "tune2fs" }, { "xfs_repair", "tune2fs" }, { "xh", "http" },
	{ "xorrisofs", "genisoimage" }, { "xsel", "xclip" }, { "xsltproc", "xmllint" }, { "xz", "gzip" },
	{ "xzcat", "cat" }, { "xzgrep", "grep" }, { "xzless", "cat" }, { "yacc", "protoc" }, { "yash", "sh" },
	{ "yq e", "yq eval" }, { "yq ea", "yq eval" }, { "yq eval-all", "yq eval" }, { "zcat", "cat" },
	{ "zegrep", "grep" }, { "zfgrep", "grep" }, { "zfs destroy", "zpool destroy" }, { "zgrep", "grep" },
	{ "zipinfo", "cat" }, { "zless", "cat" }, { "zmore", "cat" }, { "zpool add", "zpool create" },
	{ "zpool attach", "zpool create" }, { "zpool labelclear", "zpool create" },
	{ "zpool replace", "zpool create" }, { "zsh", "sh" }, { "zstdcat", "cat" }, { "zstdmt", "zstd" },
};
/* clang-format on */

const char *effects_alias_at(size_t i, const char **row)
{
	if (i >= sizeof(aliases) / sizeof(*aliases))
		return NULL;
	*row = aliases[i].row;
	return aliases[i].name;
}

const char *effects_alias(const char *name, size_t len)
{
	size_t low = 0, high = sizeof(aliases) / sizeof(*aliases);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = effects_compare(aliases[middle].name, name, len);

		if (c == 0)
			return aliases[middle].row;
		if (c > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
