/* SPDX-License-Identifier: Apache-2.0
 * The table of programs: what each does to its operands and to the values of its options. knowledge_effects.h explains the letters. */
#include "validators/shell/knowledge_effects.h"

#include <string.h>

/* clang-format off */
#define CURL_OPTIONS \
	"o,output=W output-dir= O,remote-name,remote-name-all:o T,upload-file=R d,data,data-binary,data-ascii,json=@ data-raw= " \
	"data-urlencode,url-query=% F,form=% form-string= K,config=R b,cookie=& c,cookie-jar=W D,dump-header=W E,cert=R key=R " \
	"cacert=R capath=r proxy-cert=R proxy-key=R proxy-cacert=R crlfile=R u,user= U,proxy-user= n,netrc!R~/.netrc netrc-file=R " \
	"unix-socket=R abstract-unix-socket= A,user-agent= e,referer= H,header=@ proxy-header=@ x,proxy= preproxy= X,request= " \
	"m,max-time= connect-timeout= w,write-out=@ trace=W trace-ascii=W stderr=W etag-save=W etag-compare=R hsts=W alt-svc=W " \
	"url= C,continue-at= h? P,ftp-port= Q,quote= r,range= t,telnet-option= y,speed-time= Y,speed-limit= z,time-cond= pass= " \
	"ciphers= retry= retry-delay= retry-max-time= resolve= connect-to= interface= limit-rate= max-redirs= max-filesize= " \
	"oauth2-bearer= pubkey=R dns-servers= noproxy= socks5= socks4= socks5-hostname= cert-type= key-type= libcurl=W " \
	"request-target= doh-url= tls-max= aws-sigv4= proto= proto-default= local-port= keepalive-time= mail-from= mail-rcpt= variable="
#define WGET_OPTIONS \
	"O,output-document=W o,output-file=W a,append-output=A P,directory-prefix= i,input-file=R post-file=R body-file=R " \
	"post-data= body-data= method= load-cookies=R save-cookies=W certificate=R private-key=R ca-certificate=R ca-directory=r " \
	"config=R crl-file=R U,user-agent= e,execute= t,tries= T,timeout= w,wait= Q,quota= l,level= A,accept= R,reject= " \
	"D,domains= I= X= B,base= r,recursive,m,mirror:r header= user= password= http-user= http-password= referer= limit-rate= " \
	"warc-file=W hsts-file=W use-askpass=X proxy-user= proxy-password= default-page= cut-dirs= secure-protocol= waitretry= " \
	"dns-timeout= connect-timeout= read-timeout= max-redirect= rejected-log=W exclude-domains= follow-tags= ignore-tags="
#define GREP_OPTIONS \
	"e,regexp=:p f,file=R:p A,after-context= B,before-context= C,context= m,max-count= d,directories= D,devices= include= " \
	"exclude= exclude-from=R exclude-dir= color? colour? label= binary-files= R,r,recursive,dereference-recursive:r"
#define OPENSSL_OPTIONS \
	"in=R out=W keyout=W key=R inkey=R CAfile=R CApath=R CA=R CAkey=R CAserial=R cert=R certfile=R " \
	"config=R pass= passin= passout= k= K= S= iv= kfile=R days= subj= newkey= name= md= connect= " \
	"servername= starttls= signature=R sign=R verify=R prverify=R signkey=R untrusted=R trusted=R " \
	"extfile=R extensions= reqexts= addext= rand=R writerand=W CRLfile=R inform= outform= keyform= " \
	"recip=R signer=R peerkey=R passphrase= port= accept= iter= engine=X provider= algorithm= pkeyopt= " \
	"macopt= mac= certopt= nameopt= host= psk= proxy= alpn= sess_out=W sess_in=R keylogfile=W crl=R " \
	"revoke=R ss_cert=R startdate= enddate= caname= CSP= set_serial= checkhost= checkend= cafile=R " \
	"sigopt="
#define RM_OPTIONS "r,R,recursive:r f,force i I interactive? one-file-system preserve-root? no-preserve-root d,dir v,verbose"
#define MKFS_OPTIONS "t,type,types= L= b= m= N= i= I= E= O= o= U= s= d= l= g= G= J= e= r= T= M= c z"
#define CRYPTSETUP_OPTIONS \
	"d,key-file=R c,cipher= s,key-size= h,hash= i,iter-time= master-key-file=R header=W header-backup-file=W type= " \
	"S,key-slot= l= M= label= uuid= sector-size= pbkdf="
#define KUBECTL_OPTIONS \
	"f,filename=R k,kustomize=r kubeconfig=R n,namespace= l,selector= o,output= context= cluster= user= s,server= token= " \
	"from-file=K from-env-file=R certificate-authority=R client-certificate=R client-key=R cert=R key=R patch-file=R type= " \
	"c,container= template= timeout= field-selector= from-literal= image= replicas= as="
#define S3_OPTIONS \
	"recursive:r exclude= include= acl= sse? sse-kms-key-id= storage-class= region= profile= endpoint-url= content-type= " \
	"metadata= expires= cache-control="
#define DOCKER_BUILDX_OPTIONS \
	"f,file=R env-file=R p= project-directory="
#define ETCDCTL_OPTIONS \
	"cacert=R cert=R key=R endpoints="
#define RCLONE_CAT_OPTIONS \
	"config=R include= exclude= bwlimit= transfers= filter= files-from=R log-file=W checkers="

/* In the order of strcmp(3). */
static const struct program programs[] = {
	{ "7z", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "7z a", "Wr*", "p? o?", OPTIONS_SINGLE_DASH, NULL },
	{ "7z x", "R-*", "o?w p?", 0, NULL },
	{ "age", "R*", "o,output=W i,identity=R r,recipient= R,recipients-file=R p,passphrase e,encrypt d,decrypt a",
		0, NULL },
	{ "alien", "X*", "", 0, NULL },
	{ "ansible", "", "i,inventory=R e,extra-vars=@ vault-password-file=R private-key=R", 0, NULL },
	{ "ansible-playbook", "X*",
		"i,inventory=R e,extra-vars=@ l= t= vault-password-file=R private-key=R key-file=R f= u= vault-id= "
		"skip-tags=", 0, NULL },
	{ "ansible-vault", "-B*", "vault-password-file=R output=W", 0, NULL },
	{ "ar", "-WR*", "", 0, NULL },
	{ "arecord", "W", "D= f= r= c= d= t= i=R", 0, NULL },
	{ "aria2c", "",
		"d,dir=W o,out=W i,input-file=R j= s= x= k= l,log=W on-download-complete=X header= checksum= "
		"conf-path=R load-cookies=R save-session=W", 0, NULL },
	{ "at", "", "f=R t= q=", 0, NULL },
	{ "auditctl", "", "R=R a= A= d= D w= p= k= F= S=", 0, NULL },
	{ "ausearch", "", "if,input=R", 0, NULL },
	{ "awk", "?R*",
		"f,file=X:p v,assign= F,field-separator= i,include= e,source=:p E,exec=X:p l,load=", 0, effects_awk },
	{ "aws", "", "region= profile= output= endpoint-url= query= cli-input-json= ca-bundle=R",
		PROGRAM_SUBCOMMANDS, NULL },
	{ "aws s3", "", "region= profile= endpoint-url=", PROGRAM_SUBCOMMANDS, NULL },
	{ "aws s3 cp", "RW", S3_OPTIONS, 0, NULL },
	{ "aws s3 mv", "VW", S3_OPTIONS, 0, NULL },
	{ "aws s3 sync", "rw", S3_OPTIONS, 0, NULL },
	{ "aws s3api", "", "body=R bucket= key=", 0, NULL },
	{ "axel", "", "o,output=W n= s= H= U=", 0, NULL },
	{ "az", "", "f,file=R s,source=R template-file=R n,name= g,resource-group= c= account-name= account-key=",
		0, NULL },
	{ "badblocks", "R-*", "w:i b= c= o=W i=R t= p= e= d=", 0, NULL },
	{ "base64", "R*", "w,wrap=", 0, NULL },
	{ "bat", "R*",
		"l,language= r,line-range= H,highlight-line= m,map-syntax= theme= style= paging= color= pager= wrap=",
		0, NULL },
	{ "batch", "", "f=R", 0, NULL },
	{ "bc", "R*", "", 0, NULL },
	{ "bcache-super-show", "W*", "B C", 0, NULL },
	{ "blkdiscard", "W", "o,offset= l,length= p,step= s,secure z,zeroout f", 0, NULL },
	{ "btrfs", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "btrfs device", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "btrfs device delete", "W-*", "f", 0, NULL },
	{ "btrfs subvolume", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "btrfs subvolume delete", "d*", "c C R", 0, NULL },
	{ "btrfs subvolume snapshot", "rW", "r", 0, NULL },
	{ "buffer", "", "i=R o=W m= s=", 0, NULL },
	{ "buildah", "", "f,file=R authfile=R", 0, NULL },
	{ "cat", "R*", "files0-from=R", 0, NULL },
	{ "ccrypt", "B*", "k,keyfile=R K= E= o=W r,recursive:r p= P= S=", 0, NULL },
	{ "chattr", "?M*", "R:r p= v= V f *:p", 0, NULL },
	{ "chcon", "?M*", "t,type=:p u,user=:p r,role=:p l,range=:p reference=R:p R,recursive:r v h", 0, NULL },
	{ "chmod", "?M*",
		"R,recursive:r reference=R:p c f v h H L P changes silent quiet verbose preserve-root "
		"no-preserve-root *:p", 0, NULL },
	{ "chown", "?M*", "R,recursive:r reference=R:p from= c f v h H L P", 0, NULL },
	{ "cmake", "", "", 0, effects_cmake },
	{ "cmp", "R*", "n,bytes= i,ignore-initial=", 0, NULL },
	{ "column", "R*", "s,separator= c= o,output-separator= N= l= R= H= O= n=", 0, NULL },
	{ "convert", "R*W", "", OPTIONS_SINGLE_DASH, NULL },
	{ "cp", "RW",
		"t,target-directory=T T,no-target-directory r,R,recursive,a,archive:r s,symbolic-link,l,link:s "
		"S,suffix= parents:x preserve? no-preserve= backup? sparse= reflink? context?", 0, effects_copy },
	{ "cpio", "",
		"i,extract:x o,create:c p,pass-through:p t,list:q F,file,I,O= D,directory= E,pattern-file=R C= H= R= "
		"M=", 0, effects_cpio },
	{ "crictl", "", "c,config=R", 0, NULL },
	{ "crontab", "R", "u= l:q e:q r:q i", 0, NULL },
	{ "crudini", "--W", "set:p", 0, NULL },
	{ "cryptsetup", "",
		"c,cipher= s,key-size= h,hash= i,iter-time= d,key-file=R master-key-file=R header=W type= "
		"S,key-slot= l= M= label= uuid= sector-size= pbkdf=", PROGRAM_SUBCOMMANDS, NULL },
	{ "cryptsetup erase", "W", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksAddKey", "WR", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksChangeKey", "WR", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksDump", "R", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksErase", "W", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksFormat", "WR", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksHeaderBackup", "R", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksHeaderRestore", "W", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksKillSlot", "W-", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksOpen", "R-", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup luksRemoveKey", "WR", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup open", "R-", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup plainOpen", "R-", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "cryptsetup reencrypt", "W", CRYPTSETUP_OPTIONS, 0, NULL },
	{ "csplit", "R-*", "f= b= n=", 0, NULL },
	{ "curl", "", CURL_OPTIONS, 0, effects_curl },
	{ "cut", "R*", "d,delimiter= f,fields= b,bytes= c,characters= output-delimiter=", 0, NULL },
	{ "date", "", "f,file=R r,reference= d,date= s,set= I?", 0, NULL },
	{ "dc", "R*", "e=:z f=R", 0, NULL },
	{ "dd", "", "", 0, effects_dd },
	{ "ddrescue", "RWW", "b= c= r= s= i= o= m=R", 0, NULL },
	{ "debugfs", "R", "w:i f=R R= s= b= z= c", 0, NULL },
	{ "deno", "-X", "", 0, NULL },
	{ "diff", "R*",
		"r,recursive:r x,exclude= X,exclude-from=R I= U= C= F= label= L= W= from-file=R to-file=R output=W "
		"o=W", 0, NULL },
	{ "dig", "", "f=R k=R b= p= q= t= c= x= y=", 0, NULL },
	{ "ditto", "rw", "", 0, NULL },
	{ "dmsetup", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "dmsetup remove", "D*", "f", 0, NULL },
	{ "docker", "", "H,host= config= c,context= tlscacert=R tlscert=R tlskey=R l= D", PROGRAM_SUBCOMMANDS, NULL },
	{ "docker build", "r",
		"f,file=R t,tag= build-arg= secret= iidfile=W o,output= label= network= target= platform= "
		"cache-from= cache-to= add-host= ssh= c= m= progress= build-context=", 0, NULL },
	{ "docker buildx", "", DOCKER_BUILDX_OPTIONS, PROGRAM_SUBCOMMANDS, NULL },
	{ "docker buildx build", "r",
		"f,file=R t,tag= build-arg= secret= iidfile=W o,output= label= network= target= platform= "
		"cache-from= cache-to= add-host= ssh= progress= metadata-file=W build-context=", 0, NULL },
	{ "docker compose", "", DOCKER_BUILDX_OPTIONS, PROGRAM_SUBCOMMANDS, NULL },
	{ "docker container", "", DOCKER_BUILDX_OPTIONS, PROGRAM_SUBCOMMANDS, NULL },
	{ "docker cp", "RW", "a,archive L,follow-link q", PROGRAM_REMOTE, effects_copy },
	{ "docker export", "", "o,output=W", 0, NULL },
	{ "docker image", "", DOCKER_BUILDX_OPTIONS, PROGRAM_SUBCOMMANDS, NULL },
	{ "docker import", "R-", "c= m= platform=", 0, NULL },
	{ "docker load", "", "i,input=R", 0, NULL },
	{ "docker login", "", "p,password= u,username=", 0, NULL },
	{ "docker run", "",
		"env-file=R cidfile=W label-file=R v,volume= mount= e,env= name= network,net= u,user= w,workdir= "
		"p,publish= entrypoint= m= l= h= a= c= cap-add= cap-drop= device= security-opt= pid= ipc= uts= "
		"restart= add-host= dns= tmpfs= cpus= memory= platform= ulimit= gpus= log-driver= log-opt= pull=",
		OPTIONS_STOP, NULL },
	{ "docker save", "", "o,output=W", 0, NULL },
	{ "docker-compose", "", DOCKER_BUILDX_OPTIONS, 0, NULL },
	{ "dos2unix", "W*", "o=W n,newfile=W", 0, NULL },
	{ "dpkg", "X*",
		"i,install unpack:z r,remove:q P,purge:q l,list:q L,listfiles:q s,status:q S,search:q x,extract:q "
		"configure:q get-selections:q set-selections:q add-architecture:q print-architecture:q admindir= "
		"root= instdir=", 0, NULL },
	{ "dpkg-deb", "-", "x,extract:q", 0, NULL },
	{ "dpkg-statoverride", "---M", "add update force remove list:q", 0, NULL },
	{ "ed", "B*",
		"c=:z S=X s e E u=X T= cmd= R:l M:l p= d i= w=W batch l,load=X script=X f= eval= W=W",
		0, effects_editor },
	{ "enable", "", "f=X", 0, NULL },
	{ "etcdctl", "", ETCDCTL_OPTIONS, PROGRAM_SUBCOMMANDS, NULL },
	{ "etcdctl snapshot", "-W", ETCDCTL_OPTIONS, 0, NULL },
	{ "expand", "R*", "t,tabs=", 0, NULL },
	{ "fallocate", "W*", "l,length= o,offset=", 0, NULL },
	{ "fdisk", "W*", "l,list:l s,getsz:l x:z C= H= S= b= t,type= u? w= W= L? o=", 0, NULL },
	{ "fetch", "", "o=W", 0, NULL },
	{ "ffmpeg", "W*", "i=R f= c= vf= b= r= s= t= ss= map= vcodec= acodec=", OPTIONS_SINGLE_DASH, NULL },
	{ "file", "R*", "f,files-from=R m,magic-file=R F= e= P=", 0, NULL },
	{ "find", "", "", 0, effects_find },
	{ "flash_erase", "W-*", "f=R", 0, NULL },
	{ "flashcp", "RW", "", 0, NULL },
	{ "flashrom", "", "w,write=R r,read=W p=", 0, NULL },
	{ "fold", "R*", "w,width= p= g=", 0, NULL },
	{ "ftpget", "-W-", "u= p= P=", 0, NULL },
	{ "ftpput", "--R", "u= p= P=", 0, NULL },
	{ "fwupdtool", "-R*", "", 0, NULL },
	{ "gcc", "R*", "o=W I= L= D= U= l= x= include=R T=R Wl= W? f? O? m? g? std=", 0, NULL },
	{ "gcloud", "",
		"key-file=R account= project= credential-file-override=R flags-file=R impersonate-service-account=",
		0, NULL },
	{ "gcore", "", "o=W", 0, NULL },
	{ "gdb", "-*", "x,command=X batch ex= iex= p= pid= c,core=R", 0, NULL },
	{ "genisoimage", "r*", "o,output=W V= A= P= p= b= c= x= m= no-emul-boot boot-load-size=",
		OPTIONS_SINGLE_DASH, NULL },
	{ "getent", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "getent group", "!R/etc/group", "", 0, NULL },
	{ "getent gshadow", "!R/etc/gshadow", "", 0, NULL },
	{ "getent passwd", "!R/etc/passwd", "", 0, NULL },
	{ "getent shadow", "!R/etc/shadow", "", 0, NULL },
	{ "gh", "", "R,repo= hostname=", PROGRAM_SUBCOMMANDS, NULL },
	{ "gh gist", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "gh gist create", "R*", "d,desc= f,filename=", 0, NULL },
	{ "gh release", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "gh release upload", "-R*", "R,repo=", 0, NULL },
	{ "gio", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "gio cat", "R*", "", 0, NULL },
	{ "gio copy", "R*W", "", 0, NULL },
	{ "gio move", "V*W", "", 0, NULL },
	{ "gio trash", "D*", "f", 0, NULL },
	{ "git", "",
		"c= C=C git-dir= work-tree= namespace= exec-path? super-prefix= config-env= p,paginate P,no-pager "
		"bare no-replace-objects", PROGRAM_SUBCOMMANDS, NULL },
	{ "git add", "R*", "pathspec-from-file=R chmod= n,dry-run:q", 0, NULL },
	{ "git apply", "R*", "directory= p= C= exclude= include= build-fake-ancestor=W", 0, NULL },
	{ "git archive", "", "o,output=W remote= prefix= add-file=R format= exec=", 0, NULL },
	{ "git bundle", "-W-*", "", 0, NULL },
	{ "git clean", "", "f,force:f n,dry-run:q i,interactive:f e,exclude= d x X q", 0, effects_git_clean },
	{ "git clone", "",
		"b,branch= o,origin= depth= c,config= u,upload-pack= j,jobs= reference=R separate-git-dir=W "
		"template=R filter= shallow-since= shallow-exclude= recurse-submodules? server-option= bundle-uri= "
		"reference-if-able=R", 0, effects_git_clone },
	{ "git commit", "", "F,file=R t,template=R m,message= author= date= C= c= pathspec-from-file=R", 0, NULL },
	{ "git config", "",
		"global:g system:s local worktree f,file= blob= get,get-all,get-regexp,get-urlmatch,l,list:l "
		"unset,unset-all,add,replace-all,e,edit,remove-section,rename-section:w type= default=",
		0, effects_git_config },
	{ "git credential-store", "!R~/.git-credentials", "file=R", 0, NULL },
	{ "git diff", "", "output=W no-index:z", 0, NULL },
	{ "git format-patch", "", "o,output-directory=W", 0, NULL },
	{ "git hash-object", "R*", "t= path=", 0, NULL },
	{ "git init", "W", "template=R separate-git-dir=W b,initial-branch= shared? object-format=", 0, NULL },
	{ "git mv", "V*W", "n,dry-run:q f k v", 0, NULL },
	{ "git rm", "D*", "r:r n,dry-run:q cached:q pathspec-from-file=R", 0, NULL },
	{ "go", "", "C=C", PROGRAM_SUBCOMMANDS, NULL },
	{ "go build", "", "o=W tags= ldflags= gcflags= mod= p=", OPTIONS_SINGLE_DASH, NULL },
	{ "go run", "X-*", "tags= ldflags= mod= exec=", OPTIONS_SINGLE_DASH | OPTIONS_STOP, NULL },
	{ "gpg", "R*",
		"o,output=W homedir= r,recipient= u,local-user= passphrase-file=R passphrase= keyring=R "
		"secret-keyring=R trustdb-name= keyserver= default-key= R= F=R recipient-file=R pinentry-mode= batch "
		"yes recv-keys:q recv-key:q search-keys:q list-keys:q list-secret-keys:q K:q k:q gen-key:q "
		"full-gen-key:q quick-gen-key:q delete-key:q delete-keys:q delete-secret-keys:q export:q a,armor "
		"export-secret-keys,export-secret-key,export-secret-subkeys:q!R~/.gnupg/private-keys-v1.d status-fd= "
		"logger-fd= cipher-algo= digest-algo= compress-algo= z= S= edit-key:q sign-key:q fingerprint:q "
		"refresh-keys:q", 0, NULL },
	{ "grep", "?R*", GREP_OPTIONS, 0, effects_search },
	{ "groff", "R*", "m= T= F= M= r= d= o= P= L= I= K=", 0, NULL },
	{ "grub-install", "W*",
		"boot-directory=W root-directory=W target= efi-directory=W bootloader-id= i,install? C=R m=", 0, NULL },
	{ "gs", "R*", "sOutputFile=W o=W sDEVICE=", OPTIONS_SINGLE_DASH, NULL },
	{ "gsutil", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "gsutil cp", "R*W", "r,R:r", 0, NULL },
	{ "gsutil mv", "V*W", "", 0, NULL },
	{ "gsutil rsync", "rw", "r,R:r d", 0, NULL },
	{ "gzip", "R*",
		"k,keep,c,stdout,to-stdout,t,test,l,list:k r,recursive:r S,suffix= p= o,output=W T= b= M= files? B=",
		0, effects_compress },
	{ "hash", "", "p=X", 0, NULL },
	{ "hdparm", "R*",
		"security-erase=:i security-erase-enhanced=:i security-set-pass=:i security-disable=:i "
		"security-unlock=:i write-sector=:i make-bad-sector=:i repair-sector=:i trim-sector-ranges=:i "
		"trim-sector-ranges-stdin:i dco-restore:i sanitize-block-erase:i sanitize-crypto-scramble:i "
		"sanitize-overwrite=:i fwdownload=R:i user-master= B? M? S? W? A? X? p? read-sector=", 0, NULL },
	{ "head", "R*", "n,lines= c,bytes= s,sleep-interval= pid= P= p= o=W O=W log-file=W k=R", 0, NULL },
	{ "helm", "",
		"f,values=R kubeconfig=R set-file=K post-renderer=X ca-file=R cert-file=R key-file=R set= "
		"set-string= n,namespace= version= repo=", 0, NULL },
	{ "hexdump", "R*", "e= f=R n= s=", 0, NULL },
	{ "htdigest", "W-*", "c", 0, NULL },
	{ "htpasswd", "W-*", "c b n:q B m d p D v:l C= 5 2 s i", 0, NULL },
	{ "http", "%*", "o,output=W d,download a,auth= A= cert=R cert-key=R verify= proxy= f,form", 0, NULL },
	{ "iconv", "R*", "f,from-code= t,to-code= o,output=W", 0, NULL },
	{ "import", "W", "window= f,file=W", 0, NULL },
	{ "inotifywait", "", "fromfile=R o,outfile=W e,event= t= exclude=", 0, NULL },
	{ "insmod", "X-*", "C,config=R d,dirname= S= r,remove:q l:q c,showconfig:q D:q n,dry-run:q", 0, NULL },
	{ "install", "RW",
		"t,target-directory=T T,no-target-directory d,directory:d m,mode= o,owner= g,group= S,suffix= "
		"strip-program=X s c C p D backup?", 0, effects_copy },
	{ "ip", "", "b,batch=R n,netns= f=", OPTIONS_SINGLE_DASH | OPTIONS_STOP, NULL },
	{ "ipfs", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "ipfs add", "r*", "", 0, NULL },
	{ "iptables-restore", "R", "T= w? W?", 0, NULL },
	{ "java", "--*", "jar=X cp= classpath= javaagent=X", OPTIONS_SINGLE_DASH | OPTIONS_STOP, NULL },
	{ "john", "R*", "w,wordlist=R format= m= a= o,outfile=W r,rules-file=R", 0, NULL },
	{ "join", "R*", "1= 2= j= t= o= a= v= e=", 0, NULL },
	{ "journalctl", "",
		"file=R D,directory= u,unit= n,lines? S,since= U,until= o,output= b,boot? g,grep= t= p= vacuum-time= vacuum-size= vacuum-files=",
		0, effects_journalctl },
	{ "jq", "?R*",
		"f,from-file=R:p arg== argjson== slurpfile==R rawfile==R indent= tab L= n,null-input args:q "
		"jsonargs:q", 0, NULL },
	{ "kexec", "R", "l,load? initrd=R append= command-line= p,load-panic? e,exec:q u,unload:q", 0, NULL },
	{ "keytool", "",
		"keystore=R file=W destkeystore=W srckeystore=R alias= storepass= keypass=",
		OPTIONS_SINGLE_DASH, NULL },
	{ "kubeadm", "", "config=R kubeconfig=R cert-dir=", 0, NULL },
	{ "kubectl", "", KUBECTL_OPTIONS, PROGRAM_SUBCOMMANDS, NULL },
	{ "kubectl apply", "", KUBECTL_OPTIONS, 0, NULL },
	{ "kubectl cp", "RW", KUBECTL_OPTIONS, PROGRAM_REMOTE, effects_copy },
	{ "kustomize", "-r", "o,output=W", 0, NULL },
	{ "last", "", "f,file=R n= s= t= p=", 0, NULL },
	{ "ldapsearch", "", "y=R f=R D= w= H= h= p= b= s= S=W E=", 0, NULL },
	{ "lftp", "", "f=R e= c= u= p=", 0, NULL },
	{ "link", "LW", "", 0, NULL },
	{ "ln", "LW",
		"t,target-directory=T T,no-target-directory s,symbolic:s S,suffix= f n b? v r:z L P backup?",
		0, effects_link },
	{ "logger", "", "f,file=R t= p= n= P= u=", 0, NULL },
	{ "logrotate", "R*", "s,state=W m,mail= l,log=W", 0, NULL },
	{ "logsave", "A", "a:a", OPTIONS_STOP, NULL },
	{ "losetup", "-R*", "f,find:p d,detach:q a,all:q D:q l,list:q j=R o= sizelimit= P,partscan P show r b=",
		0, NULL },
	{ "lua", "X-*", "e=:p l= i v", OPTIONS_STOP, effects_interpreter },
	{ "lvremove", "D*", "f y L,size= l= n= S=", 0, NULL },
	{ "lynx", "R*", "cfg=R dump source accept_all_cookies post_data", OPTIONS_SINGLE_DASH, NULL },
	{ "m4", "R*", "I= D= U= P o=W F=W R=R", 0, NULL },
	{ "mail", "",
		"a,A=R attach=R attachment=R s= c= b= r= q= t= i= H= F=R S= e= M= to= from= header= body=@ server= "
		"au= ap= f= u= m= o=", 0, NULL },
	{ "make", "", "f,file,makefile=X C,directory=C I= j? l? o= W= eval=", 0, NULL },
	{ "mc", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "mc cp", "R*-", "r,recursive:r", 0, NULL },
	{ "mc mirror", "rw", "", 0, NULL },
	{ "mdadm", "W*",
		"l,level= n,raid-devices= c= e= N,name= b= x= s,scan D,detail:l E,examine:l Q,query:l config=R",
		0, NULL },
	{ "mega-put", "R*-", "", 0, NULL },
	{ "mkdir", "W*", "m,mode= Z? context?", 0, NULL },
	{ "mkfifo", "W*", "m,mode=", 0, NULL },
	{ "mkfs", "W*", MKFS_OPTIONS, 0, NULL },
	{ "mknod", "W-*", "m,mode=", 0, NULL },
	{ "mksquashfs", "r*W", "comp= b= e:z", OPTIONS_SINGLE_DASH, NULL },
	{ "mkswap", "W-", "L,label= U,uuid= p,pagesize= v=", 0, NULL },
	{ "mongodump", "", "o,out=W d,db= c,collection= u= p= h,host= uri= config=R archive?W q= f=", 0, NULL },
	{ "mongorestore", "R", "file=R d,db= c,collection= u= p= h,host= uri= config=R type=", 0, NULL },
	{ "mount", "",
		"t,types= o,options= L,label= U,uuid= T,fstab=R a,all:q l,show-labels N= source=R target=W",
		PROGRAM_REMOTE, effects_mount },
	{ "msmtp", "", "C,file=R t a= f=", 0, NULL },
	{ "mtd", "-W*", "r f e= d= o= j=", 0, NULL },
	{ "mv", "VW", "t,target-directory=T T,no-target-directory S,suffix= backup?", 0, effects_copy },
	{ "mysql", "",
		"defaults-file=R defaults-extra-file=R r,result-file=W e,execute= u,user= h,host= P,port= "
		"p,password? ssl-ca=R ssl-cert=R ssl-key=R tab=W T=W tee=A where= ignore-table=", 0, NULL },
	{ "nc", "",
		"e= c= p= s= w= i= q= o,output=W x,hex-dump=W ssl-cert=R ssl-key=R ssl-trustfile=R sh-exec= exec= lua-exec=X",
		0, effects_socket },
	{ "ncftpput", "--R*", "u= p= P= f=R", 0, NULL },
	{ "newusers", "R", "c= s= R=", 0, NULL },
	{ "nft", "", "f,file=R I=", 0, NULL },
	{ "nginx", "", "c=R p= g= e= s=", 0, NULL },
	{ "nl", "R*", "b= d= f= h= i= l= n= s= v= w=", 0, NULL },
	{ "nmap", "",
		"iL=R oN=W oX=W oG=W oA=W oS=W excludefile=R script= script-args= p=",
		OPTIONS_SINGLE_DASH, NULL },
	{ "node", "X-*", "e,eval=:q p,print=:q r,require=X import=X loader=X c", OPTIONS_STOP, effects_interpreter },
	{ "notify-send", "", "i=R", 0, NULL },
	{ "nvme", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "nvme format", "W", "s,ses= n,namespace-id= l,lbaf= a,sanact= p= data=R d=R f,fw=R", 0, NULL },
	{ "od", "R*", "A,address-radix= t,format= j,skip-bytes= N,read-bytes= S? w?", 0, NULL },
	{ "openssl", "-R*", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH | PROGRAM_MAYBE_SUBCOMMANDS, NULL },
	{ "openssl ciphers", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl genrsa", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl list", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl passwd", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl prime", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl rand", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl s_client", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl s_server", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl speed", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "openssl version", "", OPENSSL_OPTIONS, OPTIONS_SINGLE_DASH, NULL },
	{ "p7zip", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "packer", "-R*", "var-file=R var=", OPTIONS_SINGLE_DASH, NULL },
	{ "pandoc", "R*",
		"o,output=W f,from= t,to= template=R css=R H=R B=R A=R metadata-file=R bibliography=R lua-filter=X "
		"F,filter=X M= V= extract-media=W", 0, NULL },
	{ "parallel", "", "a,arg-file=R j= joblog=W results=W S= sshloginfile=R", OPTIONS_STOP, NULL },
	{ "partclone", "", "s,source=R o,O,output,overwrite=W", 0, NULL },
	{ "parted", "", "l,list:l s,script m,machine a,align=", OPTIONS_STOP, effects_parted },
	{ "paste", "R*", "d,delimiters=", 0, NULL },
	{ "patch", "WR", "i,input=R p,strip= d,directory=C o,output=W r,reject-file=W B= b z= F= D= Y= V= g=",
		0, NULL },
	{ "patchelf", "W*",
		"set-interpreter= set-rpath= add-needed= replace-needed== print-interpreter:l print-rpath:l "
		"print-needed:l", 0, NULL },
	{ "perl", "X-*",
		"e=:p E=:p i?:i n:n p:n I= M? m? l? 0? F? x? C? d? D? s w W t T a c u U v V S",
		OPTIONS_STOP, effects_interpreter },
	{ "pg_dump", "", "f,file=W D,pgdata=W d= U= h= p= t= n= F= j= Z= T= N=", 0, NULL },
	{ "php", "X-*", "r=:q f=X:q B= R=:q E= F=X:q c= d= S=:q t=", OPTIONS_STOP, effects_interpreter },
	{ "pip", "",
		"t,target=w r,requirement=R c,constraint=R e,editable=R prefix=w root=w i,index-url= extra-index-url= f,find-links= d,dest=w cert=R client-cert=R log=A proxy= cache-dir= trusted-host=",
		0, NULL },
	{ "pivot_root", "WW", "", 0, NULL },
	{ "pr", "R*", "l= w= W= h= D= N= o= s?", 0, NULL },
	{ "protoc", "R*", "o,output=W d? I=", 0, NULL },
	{ "psql", "", "f,file=R o,output=W L=W d,dbname= U= h= p= c= v= F= P= R= T=", 0, NULL },
	{ "puppet", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "puppet apply", "X*", "e,execute= modulepath= hiera_config=R", 0, NULL },
	{ "pv", "R*", "o,output=W s,size= L= B= N= P,pidfile=W w= i= d=", 0, NULL },
	{ "pvcreate", "W*", "Z= u= restorefile=R s= n=", 0, NULL },
	{ "pvremove", "W*", "f y", 0, NULL },
	{ "pwunconv", "!W/etc/shadow", "", 0, NULL },
	{ "python", "X-*", "c=:q m=:q W= X= Q= check-hash-based-pycs=", OPTIONS_STOP, effects_interpreter },
	{ "qrencode", "", "o=W r=R s= l=", 0, NULL },
	{ "rclone", "", "config=R log-file=W", PROGRAM_SUBCOMMANDS, NULL },
	{ "rclone cat", "R", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "rclone copy", "rw", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "rclone copyto", "RW", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "rclone delete", "d", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "rclone move", "vw", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "rclone moveto", "VW", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "rclone purge", "d", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "rclone sync", "rw", RCLONE_CAT_OPTIONS, PROGRAM_REMOTE, NULL },
	{ "redis-cli", "", "rdb=W h= p= a= n= u= cacert=R cert=R key=R", 0, NULL },
	{ "rename", "?V*", "e=:p f n v s S", 0, NULL },
	{ "restic", "-r*", "r,repo= p,password-file=R files-from=R exclude= exclude-file=R target=w tag=", 0, NULL },
	{ "restorecon", "M*", "R,r:r f=R e= o=W", 0, NULL },
	{ "rg", "?r*",
		"e,regexp=:p f,file=R:p g,glob= iglob= t,type= T,type-not= A= B= C= m,max-count= r,replace= "
		"j,threads= E,encoding= M,max-columns= color= colors= max-depth= sort= sortr= files:p ignore-file=R "
		"pre=X", 0, NULL },
	{ "rimraf", "d*", "", 0, NULL },
	{ "rm", "D*", RM_OPTIONS, 0, NULL },
	{ "rmdir", "D*", "p,parents ignore-fail-on-non-empty", 0, NULL },
	{ "rpm", "X*",
		"i,install U,upgrade F,freshen e,erase:q q,query:q V,verify:q import:q root= prefix= dbpath= qf=",
		0, NULL },
	{ "rsync", "RW",
		"a,archive,r,recursive:r "
		"delete,delete-before,delete-during,delete-delay,delete-after,delete-excluded,del:d "
		"remove-source-files:v files-from=R exclude-from=R include-from=R password-file=R log-file=W e,rsh= "
		"exclude= include= f,filter= T,temp-dir= backup-dir=W partial-dir= compare-dest= copy-dest= "
		"link-dest= chmod= chown= usermap= groupmap= bwlimit= max-size= min-size= port= timeout= out-format= "
		"log-file-format= rsync-path= suffix= B= M= block-size= address= sockopts= write-batch=W "
		"read-batch=R only-write-batch=W max-delete= info= debug= modify-window= compress-level= "
		"skip-compress= iconv= stop-after= stop-at= protocol= checksum-choice= config=R",
		PROGRAM_REMOTE, effects_rsync },
	{ "ruby", "X-*",
		"e=:p i?:i n:n p:n I= r= C= E= F? l a s S w W? x? 0? K? T?", OPTIONS_STOP, effects_interpreter },
	{ "s3cmd", "", "c,config=R", PROGRAM_SUBCOMMANDS, NULL },
	{ "s3cmd get", "-W", "", 0, NULL },
	{ "s3cmd put", "R*-", "r,recursive:r acl-public", 0, NULL },
	{ "s3cmd sync", "rw", "", 0, NULL },
	{ "scp", "RW", "r:r i=R F=R S=X P= c= l= o=:z J= D= X=", PROGRAM_REMOTE, effects_copy },
	{ "script", "W", "c,command= a,append:a I,log-in=W O,log-out=W B,log-io=W T,log-timing=W m= E= o=", 0, NULL },
	{ "sd", "--R*", "n= f=", 0, NULL },
	{ "sed", "?R*",
		"e,expression=:p f,file=R:p i,in-place?:i l,line-length= n,quiet s,separate z E,regexp-extended r",
		0, NULL },
	{ "setcap", "?M*", "r:p v:q q n=", 0, NULL },
	{ "setfacl", "M*",
		"m,modify= x,remove= M,modify-file=R X,remove-file=R b,remove-all k,remove-default R,recursive:r "
		"set= set-file=R restore=R n,no-mask d,default", 0, NULL },
	{ "setfattr", "M*", "n,name= v,value= x,remove= restore=R s= V= g= r=", 0, NULL },
	{ "sfdisk", "W-*",
		"d,dump:l J,json:l l,list:l F,list-free:l s,show-size:l V,verify:l g:l N= X= Y= O= b? delete? "
		"part-type:z U? w= W= color?", 0, NULL },
	{ "sftp", "", "b=R i=R F=R S=X P= o= c= l= B= R= J=", 0, NULL },
	{ "sg_format", "W*", "", 0, NULL },
	{ "sgdisk", "W*",
		"p,print:l i,info=:l v,verify:l O:l F,first-in-largest:l E,end-of-largest:l L,list-types:l n,new= "
		"d,delete= t,typecode= c,change-name= b,backup=W l,load-backup=R A= u= U= a= r= R,replicate=W Z,zap "
		"z,zap-all o,clear", 0, NULL },
	{ "sh", "X-*", "c,command:q s:q o= O= rcfile=X init-file=X", OPTIONS_STOP, effects_interpreter },
	{ "shred", "W*", "u:u remove?:u n,iterations= s,size= random-source=R p,pattern= b= D=", 0, NULL },
	{ "shuf", "R*", "n,head-count= o,output=W random-source=R i,input-range= e,echo:q", 0, NULL },
	{ "skopeo", "", "authfile=R src-authfile=R dest-authfile=R", 0, NULL },
	{ "socat", "", "lf=W L=W W=W ly? lp=", OPTIONS_SINGLE_DASH, effects_socat },
	{ "sops", "R*", "i,in-place:i output=W d e input-type= output-type= k= p= extract= set= config=R", 0, NULL },
	{ "sort", "R*",
		"k,key= t,field-separator= o,output=W S,buffer-size= T,temporary-directory= parallel= files0-from=R "
		"random-source=R batch-size= sort=", 0, NULL },
	{ "source", "X-*", "", OPTIONS_STOP, NULL },
	{ "split", "R-", "a= b= C= l= n= t= filter= additional-suffix=", 0, NULL },
	{ "sponge", "W", "a:a", 0, NULL },
	{ "sqlite3", "R--", "cmd= init=R separator= batch csv json", OPTIONS_SINGLE_DASH, NULL },
	{ "srm", "D*", "r,R,recursive:r f z l q Q= c= x= k= S= D= o= P=", 0, NULL },
	{ "ssh", "", "i=R F=R E=A S= L= R= D= o= p= l= b= c= e= I=X J= m= O= Q= w= W= B=", OPTIONS_STOP, NULL },
	{ "ssh-copy-id", "", "i=R p= o= F=R", 0, NULL },
	{ "ssh-keygen", "",
		"f= y:l l:l L:l e:l i:l p B:l F= R= C= N= P= t= b= m= O= V= n= I= z= s=R D=X w=X a= Z= Y= H",
		0, effects_ssh_keygen },
	{ "sshd", "", "f=R h=R c=R o= p= u= C=", 0, NULL },
	{ "sshfs", "-W", "o= p= F=R", 0, NULL },
	{ "sshpass", "", "f=R p= d= P= e", OPTIONS_STOP, NULL },
	{ "strace", "", "o=W e= p= E= s= u= a= S= I= O= P= b=", OPTIONS_STOP, NULL },
	{ "strings", "R*", "n,bytes= t,radix= e,encoding= s,output-separator= T,target=", 0, NULL },
	{ "swapoff", "W*", "a,all L= U=", 0, NULL },
	{ "swapon", "R*", "p,priority= L= U= d? o= s,show? a,all", 0, NULL },
	{ "sysctl", "", "p,load?R f?R system w a n", 0, effects_sysctl },
	{ "systemctl", "", "H,host= M,machine= t,type= p,property= n= o= s,signal= root=", PROGRAM_SUBCOMMANDS, NULL },
	{ "systemctl enable", "", "H= M= root=", 0, effects_systemctl },
	{ "systemd-tmpfiles", "R*", "root= prefix= exclude-prefix= create clean remove", 0, NULL },
	{ "tar", "",
		"f,file= C,directory,one-top-level,cd=C c,create:c x,extract,get:x t,list:t r,append:b "
		"A,catenate,concatenate:b u,update:b delete:b d,diff,compare:t T,files-from=R X,exclude-from=R "
		"O,to-stdout:q remove-files:m g,listed-incremental=W index-file=W exclude= exclude-tag= "
		"transform,xform= strip-components= owner= group= mode= mtime= suffix= I,use-compress-program= "
		"to-command= checkpoint? checkpoint-action= F,info-script,new-volume-script=X rsh-command= "
		"rmt-command= N,newer,after-date= newer-mtime= K,starting-file= L,tape-length= V,label= "
		"b,blocking-factor= H,format= sort= warning= owner-map=R group-map=R s=",
		OPTIONS_BUNDLE | PROGRAM_REMOTE, effects_tar },
	{ "tclsh", "X-*", "e=:q c=:q E=:q eval=:q", OPTIONS_STOP, effects_interpreter },
	{ "tcpdump", "", "w=W r=R F=R i= c= s= W= C= G= z=X E= Y= f= a= b= T= e=", 0, NULL },
	{ "tee", "W*", "a,append:a output-error?", 0, NULL },
	{ "terraform", "", "var-file=R var= state=R out=W backend-config= target= chdir=", OPTIONS_SINGLE_DASH, NULL },
	{ "tftp", "", "l=B c= m= r=W b=", 0, NULL },
	{ "tmpreaper", "-d*", "T= runtime= protect= m M a s f t", 0, NULL },
	{ "touch", "W*", "r,reference=R d,date= t= time=", 0, NULL },
	{ "trufflehog", "-r*", "", 0, NULL },
	{ "truncate", "W*", "s,size= r,reference=R", 0, NULL },
	{ "tune2fs", "W-*", "l:l n:l L= U= O= o= e= m= c= i= E= N:l t= C= j= z= I= J= r= T= u= g= s=", 0, NULL },
	{ "umount", "W*", "a,all:q t,types= O= R,recursive:r N=", 0, NULL },
	{ "uniq", "RW", "f,skip-fields= s,skip-chars= w,check-chars= group?", 0, NULL },
	{ "unlink", "D", "", 0, NULL },
	{ "unsquashfs", "R-*", "d,dest=w f,force ll,l,ls:z", OPTIONS_SINGLE_DASH, NULL },
	{ "unzip", "", "d= l:q t:q p:q v:q Z:q z:q c:q P= x=", 0, effects_unzip },
	{ "update-ca-certificates", "", "f=R C=W r=", 0, NULL },
	{ "upx", "W*", "o=W", 0, NULL },
	{ "vault", "", "ca-cert=R client-cert=R client-key=R", OPTIONS_SINGLE_DASH, NULL },
	{ "vgremove", "D*", "f y", 0, NULL },
	{ "vigr", "!W/etc/group", "s:z", 0, NULL },
	{ "vipw", "!W/etc/passwd", "s:z", 0, NULL },
	{ "visudo", "!W/etc/sudoers", "f,file=W c,check:z", 0, NULL },
	{ "wasmtime", "X-*", "library-path= preload=X argv0= a= u= v reverse test l", OPTIONS_STOP, NULL },
	{ "wget", "", WGET_OPTIONS, 0, effects_wget },
	{ "wipefs", "R*", "a,all:i o,offset=:i t,types= O,output= b,backup? n,no-act:z", 0, NULL },
	{ "wkhtmltopdf", "RW", "", 0, NULL },
	{ "wormhole", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "wormhole send", "r*", "code= text=", 0, NULL },
	{ "xargs", "", "a,arg-file=R I= L= n= P= s= E= d=", OPTIONS_STOP, NULL },
	{ "xclip", "R*", "selection= sel= i=R", 0, NULL },
	{ "xmllint", "R*", "o,output=W xpath= schema=R relaxng=R dtdvalid=R stringparam== path=",
		OPTIONS_SINGLE_DASH, NULL },
	{ "xxd", "RW", "c,cols= g,groupsize= l,len= o= s,seek= n= R=", 0, NULL },
	{ "yq", "?R*",
		"i,inplace,in-place:i f,from-file=R:p p,input-format= o,output-format= P s,split-exp= arg== argjson== expression=:p",
		PROGRAM_MAYBE_SUBCOMMANDS, NULL },
	{ "yq eval", "?R*",
		"i,inplace,in-place:i f,from-file=R:p p,input-format= o,output-format= P s,split-exp= arg== argjson== expression=:p",
		0, NULL },
	{ "zfs", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "zip", "",
		"r,recurse-paths:r m,move:m d,delete:d x,exclude= i,include= P,password= b,temp-path= n,suffixes= t= "
		"tt= O,out=W sf,show-files Z= s= sp=", 0, effects_zip },
	{ "zpool", "", "", PROGRAM_SUBCOMMANDS, NULL },
	{ "zpool create", "W*", "f o= O= m= R=", 0, NULL },
	{ "zpool destroy", "d*", "f r R", 0, NULL },
	{ "zstd", "R*", "o=W rm:u r:r D=R T= M= B= filelist=R output-dir-flat=W", 0, NULL },
};
/* clang-format on */

const struct program *effects_program_at(size_t i)
{
	return i < sizeof(programs) / sizeof(*programs) ? &programs[i] : NULL;
}

static const struct program *find_row(const char *name, size_t len)
{
	size_t low = 0, high = sizeof(programs) / sizeof(*programs);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = effects_compare(programs[middle].name, name, len);

		if (c == 0)
			return &programs[middle];
		if (c > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct program *effects_find_exact(const char *name, size_t len)
{
	const struct program *found = find_row(name, len);
	const char *other = found ? NULL : effects_alias(name, len);

	return other ? find_row(other, strlen(other)) : found;
}

const struct program *effects_find_program(const char *name, size_t len)
{
	static const char *const families[] = { "mkfs.", "fsck.", "newfs_", "partclone.", "ld-linux-x86-64.", "ld-musl-x86_64." };
	const struct program *found = effects_find_exact(name, len);
	size_t base = len;

	if (found)
		return found;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		size_t n = strlen(families[i]);

		if (len > n && !memcmp(name, families[i], n))
			return effects_find_exact(name, n - 1);
	}
	while (base > 1 && ((name[base - 1] >= '0' && name[base - 1] <= '9') || strchr(".-", name[base - 1])))
		base--;
	return base < len ? effects_find_exact(name, base) : NULL;
}
