/* Lets a program see the time of day some seconds off, by LD_PRELOAD: a clock that is stepped while programs run.
 *
 * The file that CHAOS_CLOCK names holds the seconds, as a number of 8 bytes; all programs that map it see each change
 * at once. Only what tells the time of day is moved. The monotonic clock, by which programs sleep, is left alone, as it
 * is when an administrator or NTP steps a real clock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const long long *offset;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_sem_timedwait)(sem_t *, const struct timespec *);
static const long long none = 0;

static void prepare(void)
{
    const char *name = getenv("CHAOS_CLOCK");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    void *found = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0)
        close(file);
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    real_sem_timedwait = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    offset = found == MAP_FAILED ? &none : found;
}

__attribute__((constructor)) static void begin(void)
{
    prepare();
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (!offset)
        prepare();
    int failed = real_clock_gettime(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += (time_t)*offset;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact))
        return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept)
{
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (kept)
        *kept = exact.tv_sec;
    return exact.tv_sec;
}

/* Its limit is a time of day that the program has computed from our clock; the system compares it with its own. */
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict limit)
{
    struct timespec real = *limit;
    if (!offset)
        prepare();
    real.tv_sec -= (time_t)*offset;
    return real_sem_timedwait(semaphore, &real);
}
