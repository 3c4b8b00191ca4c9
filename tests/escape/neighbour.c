/* SPDX-License-Identifier: Apache-2.0
 * neighbour: one of two sandboxes that run at the same time. Puts all that can be seen by others in all places, under its own name, waits until
 * the other has done so too, and looks for what is the other's; what both call alike must be there twice.
 *
 *	neighbour OWN OTHER SECONDS
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attempt.h"

enum { KEY = 4711, PORT = 4711 };
static const char *const places[] = { "/work", "/tmp", "/dev/shm" };
static const char *own, *other;

static struct sockaddr_un address(const char *name, socklen_t *len)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", name));
	return a;
}

/* What both do under the same name fails for the second of them if they share it. */
static void set_out(void)
{
	struct sockaddr_in tcp = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_ANY) };
	socklen_t len;
	struct sockaddr_un a = address(own, &len);
	int s = socket(AF_INET, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_STREAM, 0);

	for (size_t i = 0; i < COUNT(places); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", places[i], own);
		close(open(path, O_CREAT | O_WRONLY, 0666));
		snprintf(path, sizeof(path), "%s/both", places[i]);
		if (open(path, O_CREAT | O_EXCL | O_WRONLY, 0666) < 0)
			end(1, "%s is there already", path);
	}
	if (bind(s, (struct sockaddr *)&tcp, sizeof(tcp)) < 0 || listen(s, 1) < 0)
		end(1, "port %d is taken: %s", PORT, strerror(errno));
	if (bind(u, (struct sockaddr *)&a, len) < 0 || listen(u, 1) < 0)
		end(1, "an abstract socket is taken: %s", strerror(errno));
	if (shmget(KEY, 4096, IPC_CREAT | IPC_EXCL | 0666) < 0 || semget(KEY, 1, IPC_CREAT | IPC_EXCL | 0666) < 0 ||
	    msgget(KEY, IPC_CREAT | IPC_EXCL | 0666) < 0)
		end(1, "a System V object is taken: %s", strerror(errno));
	prctl(PR_SET_NAME, own);
}

static void look_for_process(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char path[300], name[32] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0 && !strncmp(name, other, strlen(other)))
			end(1, "process %s is the other's", e->d_name);
		close(fd);
	}
}

static void look(void)
{
	socklen_t len;
	struct sockaddr_un a = address(other, &len);

	for (size_t i = 0; i < COUNT(places); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", places[i], other);
		if (access(path, F_OK) == 0)
			end(1, "%s is the other's", path);
	}
	if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, len) == 0)
		end(1, "the other's abstract socket answers");
	look_for_process();
}

static void be_a_neighbour(const void *arg)
{
	alarm(0);
	set_out();
	sleep((unsigned int)atoi(arg));
	look();
	end(0, "nothing of %s is here", other);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	own = argv[1];
	other = argv[2];
	said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	attempt(own, be_a_neighbour, argv[3]);
	return failures != 0;
}
