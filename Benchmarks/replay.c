/* Sends recorded statements to a server, and does nothing else: the floor that bench_run.py measures
   a tool against.

     replay CONNINFO CONNECTIONS FILE

   FILE holds jobs, in the order in which they were begun. A job is what was sent for one node; it
   begins when those it depends on have ended, on any connection that is free. Each message is one
   string, as it was sent. All numbers are 32 bits wide, in the machine's byte order:

     number of jobs; for each job: number of dependencies, their indexes, number of messages, and
     each message as its length and its bytes.

   Errors count as answers: a recorded test may fail. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libpq's, declared here so that its headers need not be installed. */
extern void *PQconnectdb(const char *);
extern int PQstatus(void *);
extern char *PQerrorMessage(void *);
extern void *PQexec(void *, const char *);
extern void PQclear(void *);
extern void PQfinish(void *);
extern void *PQsetNoticeReceiver(void *, void (*)(void *, const void *), void *);

struct job {
  uint32_t dependencies, *depends_on, messages;
  char **message;
  int taken, done;
};

static struct job *jobs;
static uint32_t job_count, first_open;
static const char *conninfo;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void ignore_notice(void *argument, const void *result) {}

static uint32_t number(FILE *file) {
  uint32_t value;
  if (fread(&value, sizeof value, 1, file) != 1) exit((fprintf(stderr, "the file ends early\n"), 2));
  return value;
}

static int ready(const struct job *job) {
  for (uint32_t i = 0; i < job->dependencies; i++)
    if (!jobs[job->depends_on[i]].done) return 0;
  return 1;
}

/* The first job that may begin; NULL when none is left. */
static struct job *take(void) {
  pthread_mutex_lock(&lock);
  for (;;) {
    while (first_open < job_count && jobs[first_open].taken) first_open++;
    if (first_open == job_count) break;
    for (uint32_t i = first_open; i < job_count; i++)
      if (!jobs[i].taken && ready(&jobs[i])) {
        jobs[i].taken = 1;
        pthread_mutex_unlock(&lock);
        return &jobs[i];
      }
    pthread_cond_wait(&changed, &lock);
  }
  pthread_mutex_unlock(&lock);
  return NULL;
}

static void *work(void *unused) {
  void *connection = PQconnectdb(conninfo);
  if (PQstatus(connection) != 0) exit((fputs(PQerrorMessage(connection), stderr), 2));
  PQsetNoticeReceiver(connection, ignore_notice, NULL);
  for (struct job *job; (job = take());) {
    for (uint32_t i = 0; i < job->messages; i++) PQclear(PQexec(connection, job->message[i]));
    pthread_mutex_lock(&lock);
    job->done = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
  }
  PQfinish(connection);
  return NULL;
}

int main(int count, char **arguments) {
  FILE *file = count == 4 ? fopen(arguments[3], "rb") : NULL;
  if (!file) exit((fprintf(stderr, "replay CONNINFO CONNECTIONS FILE\n"), 2));
  conninfo = arguments[1];
  job_count = number(file);
  jobs = calloc(job_count, sizeof *jobs);
  for (uint32_t i = 0; i < job_count; i++) {
    struct job *job = &jobs[i];
    job->dependencies = number(file);
    job->depends_on = malloc((job->dependencies + 1) * sizeof *job->depends_on);
    for (uint32_t j = 0; j < job->dependencies; j++) job->depends_on[j] = number(file);
    job->messages = number(file);
    job->message = malloc((job->messages + 1) * sizeof *job->message);
    for (uint32_t j = 0; j < job->messages; j++) {
      uint32_t length = number(file);
      job->message[j] = calloc(1, (size_t)length + 1);
      if (fread(job->message[j], 1, length, file) != length) return 2;
    }
  }
  int connections = atoi(arguments[2]);
  pthread_t threads[connections];
  for (int i = 0; i < connections; i++) pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < connections; i++) pthread_join(threads[i], NULL);
  return 0;
}
