#define _GNU_SOURCE
#include "Process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

// What the child tells the parent through a pipe that closes at a successful exec.
struct report {
  int step;
  int error_number;
  pid_t process;
};

static void write_report(int descriptor, int step, int error_number, pid_t process) {
  struct report report = {step, error_number, process};
  ssize_t written;
  do {
    written = write(descriptor, &report, sizeof report);
  } while (written < 0 && errno == EINTR);
}

static void close_from(int first) {
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
#endif
  long limit = sysconf(_SC_OPEN_MAX);
  if (limit < 0 || limit > 65536) limit = 65536;
  for (int descriptor = first; descriptor < limit; descriptor++) close(descriptor);
}

// Runs in the child, never returns. `report` and everything else it needs are moved above 9 first,
// so that no descriptor is overwritten before it has been used.
static void become(const cpq_program *program, int report, pid_t parent) {
  const int places = 4;
  int wanted[4] = {program->input, program->output, program->error, program->extra};
  int moved_report = fcntl(report, F_DUPFD_CLOEXEC, 10);
  if (moved_report < 0) {
    write_report(report, CPQ_STEP_DESCRIPTORS, errno, 0);
    _exit(127);
  }
  report = moved_report;

  for (int place = 0; place < places; place++) {
    if (wanted[place] >= 0) {
      wanted[place] = fcntl(wanted[place], F_DUPFD_CLOEXEC, 10);
    } else if (place < 3) {
      int null = open("/dev/null", O_RDWR | O_CLOEXEC);
      wanted[place] = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, 10);
    } else {
      continue;
    }
    if (wanted[place] < 0) goto descriptors;
  }
  for (int place = 0; place < places; place++) {
    if (wanted[place] < 0) {
      close(place);
    } else if (dup2(wanted[place], place) < 0) {
      goto descriptors;
    }
  }
  if (dup2(report, 4) < 0 || fcntl(4, F_SETFD, FD_CLOEXEC) < 0) goto descriptors;
  report = 4;
  close_from(5);

  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);

  if (program->changes_account) {
    if (setgroups(1, &program->group) != 0) {
      write_report(report, CPQ_STEP_GROUPS, errno, 0);
      _exit(127);
    }
    if (setgid(program->group) != 0) {
      write_report(report, CPQ_STEP_GROUP, errno, 0);
      _exit(127);
    }
    if (setuid(program->user) != 0) {
      write_report(report, CPQ_STEP_USER, errno, 0);
      _exit(127);
    }
  }
  if (program->directory != NULL && chdir(program->directory) != 0) {
    write_report(report, CPQ_STEP_DIRECTORY, errno, 0);
    _exit(127);
  }
#ifdef __linux__
  if (program->parent_death_signal != 0) {
    // After the change of account, which clears it. A parent that died before is no parent any more.
    if (prctl(PR_SET_PDEATHSIG, program->parent_death_signal) != 0 || getppid() != parent) {
      write_report(report, CPQ_STEP_PARENT, errno, 0);
      _exit(127);
    }
  }
#endif
  if (program->is_detached) write_report(report, CPQ_STEP_NONE, 0, getpid());
  execve(program->path, (char *const *)program->arguments, (char *const *)program->environment);
  write_report(report, CPQ_STEP_EXECUTE, errno, 0);
  _exit(127);

descriptors:
  write_report(report, CPQ_STEP_DESCRIPTORS, errno, 0);
  _exit(127);
}

pid_t cpq_start(const cpq_program *program, int *failed_step, int *error_number) {
  int ends[2];
  *failed_step = CPQ_STEP_NONE;
  *error_number = 0;
#ifdef __linux__
  int piped = pipe2(ends, O_CLOEXEC);
#else
  int piped = pipe(ends);
  if (piped == 0) {
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  }
#endif
  if (piped != 0) {
    *failed_step = CPQ_STEP_PIPE;
    *error_number = errno;
    return -1;
  }

  // All signals wait while there is a child that still has the handlers of the caller.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    if (program->is_detached) {
      if (setsid() < 0) {
        write_report(ends[1], CPQ_STEP_SESSION, errno, 0);
        _exit(127);
      }
      pid_t grandchild = fork();
      if (grandchild < 0) write_report(ends[1], CPQ_STEP_FORK, errno, 0);
      if (grandchild != 0) _exit(0);
    }
    become(program, ends[1], parent);
  }
  int fork_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    *failed_step = CPQ_STEP_FORK;
    *error_number = fork_error;
    return -1;
  }

  pid_t process = program->is_detached ? -1 : child;
  for (;;) {
    struct report report;
    ssize_t count = read(ends[0], &report, sizeof report);
    if (count < 0 && errno == EINTR) continue;
    if (count != (ssize_t)sizeof report) break;
    if (report.step == CPQ_STEP_NONE) {
      process = report.process;
    } else {
      *failed_step = report.step;
      *error_number = report.error_number;
    }
  }
  close(ends[0]);
  if (program->is_detached || *failed_step != CPQ_STEP_NONE) {
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (*failed_step == CPQ_STEP_NONE && process < 0) *failed_step = CPQ_STEP_FORK;
  return *failed_step == CPQ_STEP_NONE ? process : -1;
}

int cpq_socket_answers(const char *path) {
  struct sockaddr_un address;
  if (strlen(path) >= sizeof address.sun_path) return 0;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path);
#ifdef SOCK_CLOEXEC
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
#else
  int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
#endif
  if (descriptor < 0) return 0;
  int status;
  do {
    status = connect(descriptor, (struct sockaddr *)&address, sizeof address);
  } while (status != 0 && errno == EINTR);
  close(descriptor);
  return status == 0;
}

static int remove_entry(
    const char *path, const struct stat *status, int kind, struct FTW *position) {
  (void)status;
  (void)kind;
  (void)position;
  return remove(path) != 0 && errno != ENOENT ? -1 : 0;
}

int cpq_remove_tree(const char *path) {
  int status = nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  return status != 0 && errno == ENOENT ? 0 : status;
}
