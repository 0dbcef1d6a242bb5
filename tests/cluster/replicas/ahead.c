// A clock that is ahead of the machine's by AHEAD_SECONDS: for a replica that runs with it preloaded.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    const char *ahead = getenv("AHEAD_SECONDS");
    if (result == 0 && ahead && clock == CLOCK_REALTIME) time->tv_sec += atol(ahead);
    return result;
}
