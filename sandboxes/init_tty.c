/* SPDX-License-Identifier: Apache-2.0
 * A terminal of the sandbox's own, for a command with somebody in front of it: from the devpts of the sandbox, so no terminal of the host is
 * known inside, and nothing pushed into it goes further than the sandbox. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runner/base/mem.h"
#include "sandboxes/init.h"

int init_open_tty(int *ret_master, int *ret_slave)
{
	autoclose int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	autoclose int slave = -1;
	unsigned int number;
	char path[32];
	int unlock = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 || ioctl(master, TIOCGPTN, &number) < 0)
		return -1;
	snprintf(path, sizeof(path), "/dev/pts/%u", number);
	slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -1;
	*ret_master = steal_fd(&master);
	*ret_slave = steal_fd(&slave);
	return 0;
}
