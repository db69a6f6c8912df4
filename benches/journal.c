/* How an agent's output can reach its journal, and what each way costs. One process writes lines as an
 * agent does, one reads the journal as the daemon does (inotify, then pread), and between them is what the
 * way needs. Prints, for each way: time from a line's write to its reading while a line comes each 2 ms;
 * processor time of a line, by process; lines a second at full speed; resident memory of what is between.
 *
 *     cc -O2 -o /tmp/journal benches/journal.c && /tmp/journal DIRECTORY
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum way { DIRECT, RESERVE_POLL, RESERVE_TOLD, PIPE, SOCKET, WAYS };
static const char *NAMES[] = {"straight into the file", "the same, space reserved each 50 ms",
	"the same, space reserved at each line", "a pipe, copied by the runner", "a socket, copied by the runner"};
#define LINE 300
#define AHEAD (1 << 20)

static long long now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void die(const char *what) { perror(what); exit(1); }

static void agent(int out, int lines, int pause_us)
{
	char line[LINE];
	memset(line, 'x', LINE);
	line[LINE - 1] = '\n';
	for (int i = 0; i < lines; i++) {
		if (pause_us)
			usleep(pause_us);
		char stamp[32];
		int n = sprintf(stamp, "%020lld", now());
		memcpy(line, stamp, n);
		for (int done = 0; done < LINE;) {
			ssize_t w = write(out, line + done, LINE - done);
			if (w < 0)
				die("write");
			done += w;
		}
	}
	exit(0);
}

static void copier(int in, int out)
{
	static char chunk[65536];
	ssize_t n;
	while ((n = read(in, chunk, sizeof chunk)) > 0)
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(out, chunk + done, n - done);
			if (w < 0)
				die("copy");
			done += w;
		}
	exit(0);
}

static void keeper(const char *path, int file, long total, int told)
{
	long ahead = 0;
	int watch = -1;
	static char events[4096];
	if (told) {
		watch = inotify_init();
		inotify_add_watch(watch, path, IN_MODIFY);
	}
	for (;;) {
		struct stat s;
		fstat(file, &s);
		if (s.st_size >= total)
			exit(0);
		if (s.st_size + AHEAD / 2 > ahead) {
			if (fallocate(file, FALLOC_FL_KEEP_SIZE, ahead, s.st_size + AHEAD - ahead) && errno == ENOSPC)
				die("fallocate");
			ahead = s.st_size + AHEAD;
		}
		if (told) {
			if (read(watch, events, sizeof events) < 0)
				die("events");
		} else
			usleep(50000);
	}
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;
	return (x > y) - (x < y);
}

static double seconds(struct rusage *u)
{
	return u->ru_utime.tv_sec + u->ru_stime.tv_sec + (u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void measure(const char *dir, enum way way, int lines, int pause_us)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/journal.jsonl", dir);
	unlink(path);
	int journal = open(path, O_CREAT | O_APPEND | O_RDWR | O_CLOEXEC, 0600);
	int watch = inotify_init();
	inotify_add_watch(watch, path, IN_MODIFY);
	long total = (long)lines * LINE;
	int ends[2] = {-1, -1};
	if (way == PIPE && pipe(ends))
		die("pipe");
	if (way == SOCKET && socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		die("socketpair");
	pid_t between = 0;
	if (way != DIRECT && !(between = fork())) {
		if (way == PIPE || way == SOCKET) {
			close(ends[1]);
			copier(ends[0], journal);
		}
		keeper(path, journal, total, way == RESERVE_TOLD);
	}
	long long *delay = malloc(sizeof *delay * lines);
	long long began = now();
	pid_t writer = fork();
	if (!writer) {
		if (ends[0] >= 0)
			close(ends[0]);
		agent(way == PIPE || way == SOCKET ? ends[1] : journal, lines, pause_us);
	}
	if (ends[0] >= 0) {
		close(ends[0]);
		close(ends[1]);
	}
	static char buffer[131072], events[65536];
	long seen = 0;
	int count = 0;
	char line[LINE];
	int have = 0;
	struct rusage before, after;
	getrusage(RUSAGE_SELF, &before);
	while (seen < total) {
		ssize_t n = pread(journal, buffer, sizeof buffer, seen);
		if (n <= 0) {
			if (read(watch, events, sizeof events) < 0)
				die("events");
			continue;
		}
		seen += n;
		long long at = now();
		for (ssize_t i = 0; i < n;) {
			int take = LINE - have < n - i ? LINE - have : n - i;
			memcpy(line + have, buffer + i, take);
			have += take;
			i += take;
			if (have == LINE) {
				line[20] = 0;
				delay[count++] = at - atoll(line);
				have = 0;
			}
		}
	}
	long long took = now() - began;
	getrusage(RUSAGE_SELF, &after);
	struct rusage of_agent, of_between;
	memset(&of_between, 0, sizeof of_between);
	int status;
	wait4(writer, &status, 0, &of_agent);
	if (between)
		wait4(between, &status, 0, &of_between);
	qsort(delay, count, sizeof *delay, compare);
	if (pause_us)
		printf("| %s | p50 %.0f µs, p99 %.0f µs | %.1f + %.1f + %.1f µs |", NAMES[way], delay[count / 2] / 1e3,
			delay[(int)(count * 0.99)] / 1e3, seconds(&of_agent) / lines * 1e6, seconds(&of_between) / lines * 1e6,
			(seconds(&after) - seconds(&before)) / lines * 1e6);
	else
		printf(" %.0f | %.1f MB |\n", lines / (took / 1e9), of_between.ru_maxrss / 1024.0);
	fflush(stdout);
	free(delay);
	close(watch);
	close(journal);
	unlink(path);
}

int main(int count, char **words)
{
	const char *dir = count > 1 ? words[1] : ".";
	puts("| way | line → reader | processor time of a line: agent + between + reader | lines/s | memory |");
	puts("| --- | --- | --- | --- | --- |");
	for (int round = 0; round < 2; round++)
		for (enum way way = 0; way < WAYS; way++) {
			measure(dir, way, 2000, 2000);
			measure(dir, way, 300000, 0);
		}
	return 0;
}
